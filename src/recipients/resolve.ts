import type { Knex } from 'knex'
import type { Address, RecipientCode, RecipientId, RecipientRefusal } from '../kernel/index.ts'
import { certificateRefusal } from '../keys/index.ts'
import type { Format } from '../sealer/host/index.ts'
import { attestationRefusal } from './standing/attestations.ts'
import { type EnrolledRow, findEnrolled } from './store.ts'

/** A recipient who may receive now, with the one certificate and subkey to encrypt to. */
export interface ResolvedRecipient {
  readonly recipient: RecipientId
  readonly address: Address
  readonly certificate: {
    /** Upper-case hex. */
    readonly fingerprint: string
    readonly bytes: Uint8Array
    /** Fingerprint of the pinned subkey, upper-case hex. */
    readonly encryptionSubkey: string
    readonly format: Format
    /** Of the pinned subkey. */
    readonly algorithm: string
    readonly expiresAt: Date | null
  }
}

export interface Resolution {
  /** In the order of the addresses given, as is `refused`, which names the recipient where the address is enrolled. */
  readonly usable: readonly ResolvedRecipient[]
  readonly refused: readonly RecipientRefusal[]
}

/**
 * Who of `addresses` may receive at `at`, and why the others may not; each address given is in exactly one of the
 * two lists. One query. Addresses are compared byte for byte. Whether mail can be routed to the domain is not asked
 * here (`delivery`), and the answer is not a promise: the courier asks again before it sends.
 */
export async function resolveRecipients(
  knex: Knex | Knex.Transaction,
  addresses: readonly Address[],
  at: Date,
): Promise<Resolution> {
  const rows = await findEnrolled(knex, addresses, at)
  const enrolled = new Map(rows.map(row => [row.address, row]))
  const usable: ResolvedRecipient[] = []
  const refused: RecipientRefusal[] = []
  for (const address of addresses) {
    const outcome = judge(enrolled.get(address), at)
    if (typeof outcome === 'string') {
      refused.push({ address, code: outcome, recipient: enrolled.get(address)?.recipient ?? null })
    } else usable.push(outcome)
  }
  return { usable, refused }
}

function judge(row: EnrolledRow | undefined, at: Date): ResolvedRecipient | RecipientCode {
  if (row === undefined) return 'recipient_unknown'
  if (row.state !== 'active') return 'recipient_not_active'
  if (row.fingerprint === null) return row.was_revoked ? 'certificate_revoked' : 'certificate_missing'
  const standing = {
    state: row.certificate_state,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    finishUntil: row.finish_until,
  }
  const refusal = certificateRefusal(standing, 'accept', at)
  if (refusal !== undefined) return refusal
  const lapse = attestationRefusal(row.attested_until, at)
  if (lapse !== undefined) return lapse
  if (row.not_allowed) return 'certificate_not_allowed'
  const {
    fingerprint,
    bytes,
    encryption_subkey: encryptionSubkey,
    format,
    algorithm,
    expires_at: expiresAt,
  } = row
  return {
    recipient: row.recipient,
    address: row.address,
    certificate: { fingerprint, bytes, encryptionSubkey, format, algorithm, expiresAt },
  }
}
