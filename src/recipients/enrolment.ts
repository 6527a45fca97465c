import { SealpostError } from '../kernel/index.ts'

/**
 * The way of a recipient, and of each certificate that is proposed for one. The first enrolment and every later
 * replacement go the same way; there is no other one to an active certificate.
 *
 *     recipient:  invited ──activate──▶ active ◀─reinstate/suspend─▶ suspended      each ──unenrol──▶ unenrolled
 *     proposal:   proposed ──prove──▶ proved ──verify──▶ verified ──approve──▶ approved ──activate──▶ activated
 *                                        └───────────certify───────────────────▲     each open one ──drop──▶ dropped
 */
export type RecipientState = 'invited' | 'active' | 'suspended' | 'unenrolled'

export type ProposalState = 'proposed' | 'proved' | 'verified' | 'approved' | 'activated' | 'dropped'

/** How far somebody has come: their own state, and that of their newest proposal, if there was one. */
export interface Standing {
  readonly recipient: RecipientState
  readonly proposal: ProposalState | null
}

/**
 * `prove`: mailbox and private key, together. `verify`: the fingerprint, out of band. `approve`: by a second operator.
 * `certify`: the active certificate signed the new one and the policy lets that stand for the last two. `activate`:
 * the cooling-off is over.
 */
export type Step =
  | 'propose'
  | 'prove'
  | 'verify'
  | 'approve'
  | 'certify'
  | 'activate'
  | 'drop'
  | 'suspend'
  | 'reinstate'
  | 'unenrol'

export const invited: Standing = { recipient: 'invited', proposal: null }

/** Where a step leads. Throws `state_conflict` when it does not start here. */
export function next(standing: Standing, step: Step): Standing {
  const reached = moves[step](standing)
  if (reached === undefined) throw new SealpostError('state_conflict', { detail: step })
  return reached
}

/** A proposal that is neither activated nor dropped. */
export function isOpen(proposal: ProposalState | null): boolean {
  return proposal !== null && proposal !== 'activated' && proposal !== 'dropped'
}

const moves: Readonly<Record<Step, (standing: Standing) => Standing | undefined>> = {
  // A new proposal takes the place of an open one, which is dropped with all that it had reached.
  propose: ({ recipient }) => (recipient === 'unenrolled' ? undefined : { recipient, proposal: 'proposed' }),
  prove: standing => advance(standing, 'proposed', 'proved'),
  verify: standing => advance(standing, 'proved', 'verified'),
  approve: standing => advance(standing, 'verified', 'approved'),
  certify: standing =>
    standing.recipient === 'active' ? advance(standing, 'proved', 'approved') : undefined,
  activate: standing => {
    const reached = advance(standing, 'approved', 'activated')
    // Who is suspended gets the certificate, and stays suspended.
    return reached?.recipient === 'invited' ? { ...reached, recipient: 'active' } : reached
  },
  drop: ({ recipient, proposal }) => (isOpen(proposal) ? { recipient, proposal: 'dropped' } : undefined),
  suspend: standing =>
    standing.recipient === 'active' ? { ...standing, recipient: 'suspended' } : undefined,
  reinstate: standing =>
    standing.recipient === 'suspended' ? { ...standing, recipient: 'active' } : undefined,
  unenrol: ({ recipient, proposal }) =>
    recipient === 'unenrolled'
      ? undefined
      : { recipient: 'unenrolled', proposal: isOpen(proposal) ? 'dropped' : proposal },
}

function advance(standing: Standing, from: ProposalState, to: ProposalState): Standing | undefined {
  const fits = standing.recipient !== 'unenrolled' && standing.proposal === from
  return fits ? { ...standing, proposal: to } : undefined
}
