import type { Knex } from 'knex'
import type { OperatorId, RecipientId } from '../../kernel/index.ts'
import {
  type CertificateName,
  type CertificateState,
  leavesRoom,
  type UnderPrimaryKey,
} from '../../keys/index.ts'
import type { SuspensionReason } from '../../notices/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { RecipientState } from '../enrolment.ts'
import type { Attestation, Recipient } from '../recipient.ts'

type Handle = Knex | Knex.Transaction

const columns = {
  id: 'id',
  address: 'address',
  organisation: 'organisation',
  kind: 'kind',
  state: 'state',
  phone: 'phone',
  retentionDays: 'retention_days',
  attestedUntil: 'attested_until',
  suspendedFor: 'suspended_for',
  createdAt: 'created_at',
} as const satisfies Record<keyof Recipient, string>

/** Throws a unique violation of `recipients_address` while the address is enrolled. */
export async function insertRecipient(
  trx: Knex.Transaction,
  recipient: Recipient,
  invitedBy: OperatorId | null,
): Promise<void> {
  await trx('recipients').insert({
    id: recipient.id,
    address: recipient.address,
    organisation: recipient.organisation,
    kind: recipient.kind,
    state: recipient.state,
    phone: recipient.phone,
    retention_days: recipient.retentionDays,
    created_at: recipient.createdAt,
    invited_by: invitedBy,
  })
}

export async function findRecipient(knex: Handle, id: RecipientId): Promise<Recipient | undefined> {
  return knex('recipients').where({ id }).first<Recipient | undefined>(columns)
}

/**
 * Every step of a recipient takes this lock before it reads what it goes by, and takes it first: so steps of one recipient
 * happen one after the other. It does not hold up who only refers to the recipient, such as a message.
 */
export async function lockRecipient(trx: Knex.Transaction, id: RecipientId): Promise<Recipient | undefined> {
  return trx('recipients').where({ id }).forNoKeyUpdate().first<Recipient | undefined>(columns)
}

export async function setState(
  trx: Knex.Transaction,
  id: RecipientId,
  state: RecipientState,
  suspendedFor: SuspensionReason | null,
): Promise<void> {
  await trx('recipients').where({ id }).update({ state, suspended_for: suspendedFor })
}

export async function setAttestedUntil(
  trx: Knex.Transaction,
  id: RecipientId,
  until: Date | null,
): Promise<void> {
  await trx('recipients').where({ id }).update({ attested_until: until })
}

export async function insertAttestations(
  trx: Knex.Transaction,
  recipient: RecipientId,
  attestations: readonly Attestation[],
): Promise<void> {
  if (attestations.length === 0) return
  await trx('attestations').insert(
    attestations.map(({ id, kind, reference, validUntil, recordedBy, recordedAt }) => ({
      id,
      recipient_id: recipient,
      kind,
      reference,
      valid_until: validUntil,
      recorded_by: recordedBy,
      recorded_at: recordedAt,
    })),
  )
}

/** In the order in which they end. */
export async function attestationsOf(knex: Handle, recipient: RecipientId): Promise<readonly Attestation[]> {
  return knex('attestations')
    .where({ recipient_id: recipient })
    .orderBy(['valid_until', 'id'])
    .select<Attestation[]>({
      id: 'id',
      kind: 'kind',
      reference: 'reference',
      validUntil: 'valid_until',
      recordedBy: 'recorded_by',
      recordedAt: 'recorded_at',
    })
}

export interface CertificateRow {
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly state: CertificateState
  readonly acceptedAt: Date
  readonly expiresAt: Date | null
  readonly finishUntil: Date | null
  readonly revokedAt: Date | null
}

/** The active one first, then the newest. */
export async function certificatesOf(
  knex: Handle,
  recipient: RecipientId,
): Promise<readonly CertificateRow[]> {
  return knex('certificates')
    .where({ recipient_id: recipient })
    .orderByRaw(`state = 'active' DESC, accepted_at DESC`)
    .limit(50)
    .select<CertificateRow[]>({
      fingerprint: 'fingerprint',
      encryptionSubkey: 'encryption_subkey',
      algorithm: 'algorithm',
      format: 'format',
      state: 'state',
      acceptedAt: 'accepted_at',
      expiresAt: 'expires_at',
      finishUntil: 'finish_until',
      revokedAt: 'revoked_at',
    })
}

/** One that messages are encrypted to, or that was replaced and can still be revoked. */
export interface ActiveCertificate {
  readonly state: CertificateState
  readonly fingerprint: string
  readonly bytes: Uint8Array
  readonly encryptionSubkey: string
  readonly expiresAt: Date | null
}

export async function activeCertificateOf(
  knex: Handle,
  recipient: RecipientId,
): Promise<ActiveCertificate | undefined> {
  return knex('certificates')
    .where({ recipient_id: recipient, state: 'active' })
    .first<ActiveCertificate | undefined>({
      state: 'state',
      fingerprint: 'fingerprint',
      bytes: 'bytes',
      encryptionSubkey: 'encryption_subkey',
      expiresAt: 'expires_at',
    })
}

/** Those that a revocation can concern, with their bytes. */
export async function revocableOf(
  knex: Handle,
  recipient: RecipientId,
): Promise<readonly ActiveCertificate[]> {
  return knex('certificates')
    .where({ recipient_id: recipient })
    .whereIn('state', ['active', 'retired'])
    .orderByRaw(`state = 'active' DESC, accepted_at DESC`)
    .limit(10)
    .select<ActiveCertificate[]>({
      state: 'state',
      fingerprint: 'fingerprint',
      bytes: 'bytes',
      encryptionSubkey: 'encryption_subkey',
      expiresAt: 'expires_at',
    })
}

/**
 * Whether this encryption subkey under this primary key can become the recipient's: it was never in use, and the primary
 * key is nobody else's and was not revoked.
 */
export async function isEnrollable(
  knex: Handle,
  recipient: RecipientId,
  { fingerprint, encryptionSubkey }: CertificateName,
): Promise<boolean> {
  const known = await knex('certificates').where({ fingerprint }).select<UnderPrimaryKey[]>({
    encryptionSubkey: 'encryption_subkey',
    recipient: 'recipient_id',
    state: 'state',
  })
  return known.every(one => leavesRoom(one, { recipient, encryptionSubkey }))
}
