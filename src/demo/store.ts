import type { Knex } from 'knex'
import type { Address, PolicyRecordId, RecipientId } from '../kernel/index.ts'

export interface ActiveRecipient {
  readonly id: RecipientId
  readonly address: Address
  readonly at: Date
  readonly certificate: {
    readonly fingerprint: string
    readonly bytes: Uint8Array
    readonly encryptionSubkey: string
    readonly algorithm: string
    readonly format: string
    readonly expires: string | null
  }
}

export async function insertActiveRecipient(
  trx: Knex.Transaction,
  recipient: ActiveRecipient,
): Promise<void> {
  const { certificate } = recipient
  await trx('recipients').insert({
    id: recipient.id,
    address: recipient.address,
    kind: 'supplier',
    organisation: 'Demo',
    state: 'active',
    created_at: recipient.at,
    attested_until: new Date('2100-01-01T00:00:00Z'),
  })
  await trx('certificates').insert({
    fingerprint: certificate.fingerprint,
    recipient_id: recipient.id,
    bytes: Buffer.from(certificate.bytes),
    encryption_subkey: certificate.encryptionSubkey,
    algorithm: certificate.algorithm,
    format: certificate.format,
    state: 'active',
    accepted_at: recipient.at,
    expires_at: certificate.expires,
  })
}

export async function insertPolicyRecord(
  trx: Knex.Transaction,
  record: { readonly id: PolicyRecordId; readonly policy: string; readonly sha256: string } & Period,
): Promise<void> {
  await trx('policy_records').insert({
    id: record.id,
    policy: record.policy,
    sha256: record.sha256,
    effective_at: record.from,
    expires_at: record.until,
    approved_at: record.from,
  })
}

export interface Period {
  readonly from: Date
  readonly until: Date
}
