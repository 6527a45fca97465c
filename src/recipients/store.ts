import type { Knex } from 'knex'
import type { Address, RecipientId } from '../kernel/index.ts'
import type { CertificateState } from '../keys/index.ts'
import type { Format } from '../sealer/host/index.ts'
import type { RecipientState } from './enrolment.ts'

interface CertificateColumns {
  fingerprint: string
  certificate_state: CertificateState
  expires_at: Date | null
  revoked_at: Date | null
  finish_until: Date | null
  /** Whether the policy in force refuses it. */
  not_allowed: boolean
}

interface NoCertificate {
  fingerprint: null
  certificate_state: null
  expires_at: null
  revoked_at: null
  finish_until: null
  not_allowed: boolean
}

/**
 * Whether the policy in force at the time given, three times, refuses the certificate `c`. Of the records that have taken
 * effect, the last one decides; when it has lapsed, nothing is sent at all, which is asked elsewhere (`policy`).
 */
const notAllowed = `EXISTS (
  SELECT FROM policy_refusals f WHERE f.fingerprint = c.fingerprint
     AND f.encryption_subkey = c.encryption_subkey AND f.from_at <= ?
     AND f.record_id = (SELECT id FROM policy_records WHERE effective_at <= ? AND expires_at > ?
                         ORDER BY effective_at DESC, id DESC LIMIT 1))`

export type EnrolledRow = {
  recipient: RecipientId
  address: Address
  state: RecipientState
  attested_until: Date | null
} & (
  | (CertificateColumns & { bytes: Buffer; encryption_subkey: string; format: Format; algorithm: string })
  | (NoCertificate & {
      bytes: null
      encryption_subkey: null
      format: null
      algorithm: null
      was_revoked: boolean
    })
)

/**
 * The enrolled among `addresses`, each with its one active certificate, in one round trip: three index look-ups per
 * address. Who was unenrolled is nobody. Only when there is no active certificate is it asked whether a revocation is
 * the cause.
 */
export async function findEnrolled(
  knex: Knex | Knex.Transaction,
  addresses: readonly Address[],
  at: Date,
): Promise<readonly EnrolledRow[]> {
  const { rows } = await knex.raw<{ rows: EnrolledRow[] }>(
    `SELECT r.id AS recipient, r.address, r.state, r.attested_until,
            c.fingerprint, c.bytes, c.encryption_subkey, c.format, c.algorithm,
            c.state AS certificate_state, c.expires_at, c.revoked_at, c.finish_until, ${notAllowed} AS not_allowed,
            CASE WHEN c.fingerprint IS NULL THEN EXISTS (
              SELECT 1 FROM certificates WHERE recipient_id = r.id AND state = 'revoked'
            ) END AS was_revoked
       FROM recipients r
       LEFT JOIN certificates c ON c.recipient_id = r.id AND c.state = 'active'
      WHERE r.address = ANY(?::text[]) AND r.state <> 'unenrolled'`,
    [at, at, at, [...addresses]],
  )
  return rows
}

/** A pin that a delivery was accepted with. */
export interface Pin {
  readonly recipient: RecipientId
  readonly address: Address
  /** Full fingerprint, upper-case hex. */
  readonly certificate: string
  readonly encryptionSubkey: string
}

export type PinRow = { recipient_state: RecipientState | null; attested_until: Date | null } & (
  | CertificateColumns
  | NoCertificate
)

/**
 * How each pin stands now, in the order given. A recipient is found by id *and* address, a certificate by
 * fingerprint *and* owner *and* subkey: whatever changed since is simply not found.
 */
export async function findPins(
  knex: Knex | Knex.Transaction,
  pins: readonly Pin[],
  at: Date,
): Promise<readonly PinRow[]> {
  const { rows } = await knex.raw<{ rows: PinRow[] }>(
    `SELECT r.state AS recipient_state, r.attested_until,
            c.fingerprint, c.state AS certificate_state, c.expires_at, c.revoked_at, c.finish_until,
            ${notAllowed} AS not_allowed
       FROM unnest(?::text[], ?::text[], ?::text[], ?::text[])
            WITH ORDINALITY AS pin (recipient, address, certificate, encryption_subkey, position)
       LEFT JOIN recipients r ON r.id = pin.recipient AND r.address = pin.address
       LEFT JOIN certificates c ON c.fingerprint = pin.certificate
            AND c.recipient_id = pin.recipient AND c.encryption_subkey = pin.encryption_subkey
      ORDER BY pin.position`,
    [
      at,
      at,
      at,
      pins.map(pin => pin.recipient),
      pins.map(pin => pin.address),
      pins.map(pin => pin.certificate),
      pins.map(pin => pin.encryptionSubkey),
    ],
  )
  return rows
}
