import type { Actor, AuditEntry } from '../../audit/index.ts'
import type { RecipientId } from '../../kernel/index.ts'
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
