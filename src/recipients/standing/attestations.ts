import type { Actor, AuditEntry } from '../../audit/index.ts'
import type { RecipientCode, RecipientId } from '../../kernel/index.ts'
import type { Attestation, AttestationKind, NewAttestation, RecipientKind } from '../recipient.ts'

/**
 * What each kind of recipient must have shown; of the kinds in one list, any one will do. Employees: that their machine is
 * in scope, and that they were trained. Who is outside: that they are compliant. All: how long they keep what they get.
 */
const required: Readonly<Record<RecipientKind, readonly (readonly AttestationKind[])[]>> = {
  employee: [['scope'], ['training'], ['retention']],
  supplier: [['contract'], ['aoc'], ['retention']],
  customer: [['aoc', 'saq'], ['retention']],
}

/** Until when all that is required holds: of each, the one that holds longest counts. Null: one was never given. */
export function attestedUntil(
  kind: RecipientKind,
  given: readonly Pick<NewAttestation, 'kind' | 'validUntil'>[],
): Date | null {
  const ends = required[kind].map(kinds => longest(kinds, given))
  return ends.includes(0) ? null : new Date(Math.min(...ends))
}

/** Why nothing may be sent to a recipient whose required attestations hold `until` then; undefined when it may. */
export function attestationRefusal(
  until: Date | null,
  at: Date,
): Extract<RecipientCode, `attestation_${string}`> | undefined {
  if (until === null) return 'attestation_missing'
  return until <= at ? 'attestation_lapsed' : undefined
}

/** The required kinds that nothing given covers at `at`; of those that stand for each other, the first is named. */
export function missingAttestations(
  kind: RecipientKind,
  given: readonly Pick<NewAttestation, 'kind' | 'validUntil'>[],
  at: Date,
): readonly AttestationKind[] {
  return required[kind]
    .filter(kinds => longest(kinds, given) <= at.getTime())
    .flatMap(([first]) => first ?? [])
}

/** Of each list of kinds that is required, the attestation that holds longest; none for one that was never given. */
export function requiredEnds<Given extends Pick<NewAttestation, 'kind' | 'validUntil'>>(
  kind: RecipientKind,
  given: readonly Given[],
): readonly Given[] {
  return required[kind].flatMap(kinds => {
    const end = longest(kinds, given)
    const [found] = given.filter(one => kinds.includes(one.kind) && one.validUntil.getTime() === end)
    return found === undefined ? [] : [found]
  })
}

/** 0 when there is none. */
function longest(
  kinds: readonly AttestationKind[],
  given: readonly Pick<NewAttestation, 'kind' | 'validUntil'>[],
): number {
  return Math.max(
    0,
    ...given.filter(one => kinds.includes(one.kind)).map(({ validUntil }) => validUntil.getTime()),
  )
}

export function attestationEvents(
  actor: Actor,
  recipient: RecipientId,
  given: readonly Attestation[],
): readonly AuditEntry[] {
  return given.map(({ id, kind, validUntil }) => ({
    actor,
    event: {
      type: 'attestation.recorded',
      recipient,
      attestation: id,
      kind,
      validUntil: validUntil.toISOString(),
    },
  }))
}
