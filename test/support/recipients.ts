import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Address, newId, systemClock } from '../../src/kernel/index.ts'
import type { Pin } from '../../src/recipients/index.ts'

interface CertificateColumns {
  readonly state?: 'active' | 'retired' | 'revoked'
  readonly expiresAt?: Date
  /** Of a retired one; by default it has all the time in the world. */
  readonly finishUntil?: Date
  readonly format?: 'seipdv1' | 'seipdv2'
  /** The fingerprint of a primary key that has others already; by default it is a new one. */
  readonly under?: string
}

let count = 0

/** A row of `recipients`, in whatever state; as the database's owner. */
export async function insertRecipient(
  owner: Knex,
  state: 'active' | 'suspended' | 'unenrolled' = 'active',
): Promise<Pick<Pin, 'recipient' | 'address'>> {
  const recipient = newId('rcp', systemClock)
  const address = `r${++count}@bank.test` as Address
  await owner('recipients').insert({
    id: recipient,
    address,
    kind: 'supplier',
    organisation: 'Bank',
    state,
    suspended_for: state === 'suspended' ? 'operator' : null,
    created_at: new Date(),
    attested_until: new Date('2100-01-01T00:00:00Z'),
  })
  return { recipient, address }
}

export async function insertCertificate(
  owner: Knex,
  { recipient, address }: Pick<Pin, 'recipient' | 'address'>,
  {
    state = 'active',
    expiresAt,
    finishUntil = new Date('2100-01-01T00:00:00Z'),
    format = 'seipdv1',
    under = fingerprint(),
  }: CertificateColumns = {},
): Promise<Pin> {
  const [certificate, encryptionSubkey] = [under, fingerprint()]
  await owner('certificates').insert({
    fingerprint: certificate,
    recipient_id: recipient,
    bytes: Buffer.from(certificate),
    encryption_subkey: encryptionSubkey,
    algorithm: 'ecdh-curve25519',
    format,
    state,
    accepted_at: new Date(),
    expires_at: expiresAt ?? null,
    revoked_at: state === 'revoked' ? new Date() : null,
    retired_at: state === 'retired' ? new Date() : null,
    finish_until: state === 'retired' ? finishUntil : null,
  })
  return { recipient, address, certificate, encryptionSubkey }
}

function fingerprint(): string {
  return randomBytes(20).toString('hex').toUpperCase()
}
