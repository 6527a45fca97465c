import { isAddress, SealpostError } from '../../kernel/index.ts'
import { cardDataOf, scrub } from '../../platform/index.ts'
import { attestationKinds, type Invitation, type NewAttestation, recipientKinds } from '../recipient.ts'

/** What is wrong, and where: a JSON pointer (RFC 6901) and a code; never the value. */
export interface Fault {
  readonly pointer: string
  readonly code: string
}

const longestText = 200
const longestRetention = 3650
const mostAttestations = 20

/** Throws `invalid_request` with every fault at once. Types are the caller's promise; content is foreign. */
export function assertInvitation(invitation: Invitation, now: Date): void {
  throwIfAny(invitationFaults(invitation, now))
}

export function assertAttestations(attestations: readonly NewAttestation[], now: Date): void {
  throwIfAny([
    ...fault(attestations.length > 0, '/attestations', 'required'),
    ...manyFaults(attestations, now),
  ])
}

export function invitationFaults(
  { address, organisation, kind, phone, retentionDays, attestations = [] }: Invitation,
  now: Date,
): readonly Fault[] {
  return [
    ...fault(isAddress(address), '/address', 'malformed'),
    // It stands in the audit log.
    ...fault(cardDataOf(address) === undefined, '/address', 'card_number'),
    ...lineFaults(organisation, '/organisation'),
    ...fault(recipientKinds.includes(kind), '/kind', 'unknown_value'),
    ...fault(isPhone(phone), '/phone', 'malformed'),
    ...fault(
      Number.isInteger(retentionDays) && retentionDays >= 1 && retentionDays <= longestRetention,
      '/retentionDays',
      'out_of_range',
    ),
    ...manyFaults(attestations, now),
  ]
}

function manyFaults(attestations: readonly NewAttestation[], now: Date): readonly Fault[] {
  if (attestations.length > mostAttestations) return [{ pointer: '/attestations', code: 'too_many' }]
  return attestations.flatMap((attestation, i) => attestationFaults(attestation, `/attestations/${i}`, now))
}

function attestationFaults(
  { kind, reference, validUntil }: NewAttestation,
  parent: string,
  now: Date,
): readonly Fault[] {
  return [
    ...fault(attestationKinds.includes(kind), `${parent}/kind`, 'unknown_value'),
    ...lineFaults(reference, `${parent}/reference`),
    ...fault(validUntil > now && validUntil.getUTCFullYear() < 2100, `${parent}/validUntil`, 'out_of_range'),
  ]
}

/**
 * One line that people read. Control, format and other invisible characters are refused, for they hide or reorder what is
 * seen, and so is a card number.
 */
function lineFaults(text: string, pointer: string): readonly Fault[] {
  if (text.trim() === '') return [{ pointer, code: 'required' }]
  if (text.length > longestText) return [{ pointer, code: 'too_long' }]
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text) || !text.isWellFormed())
    return [{ pointer, code: 'control_character' }]
  return fault(scrub(text) === text, pointer, 'card_number')
}

/** International, as people write it: `+31 (0)20 123 4567`. ITU-T E.164 allows 15 digits, so no card number fits. */
function isPhone(text: string): boolean {
  const digits = text.replace(/\D/g, '').length
  return /^\+[0-9][0-9 ()./-]{4,30}$/.test(text) && digits >= 6 && digits <= 16 && scrub(text) === text
}

function fault(fine: boolean, pointer: string, code: string): readonly Fault[] {
  return fine ? [] : [{ pointer, code }]
}

function throwIfAny(errors: readonly Fault[]): void {
  if (errors.length > 0) throw new SealpostError('invalid_request', { errors })
}
