import type { Knex } from 'knex'
import type { ChangeRequestId, OperatorId, ProposalId, RecipientId } from '../../kernel/index.ts'
import type { CertificateName } from '../../keys/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import { isOpen, type ProposalState } from '../enrolment.ts'
import type { ProposalSource, VerificationMeans } from '../recipient.ts'

export interface ProposalRow {
  readonly id: ProposalId
  readonly recipient: RecipientId
  readonly state: ProposalState
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly expiresAt: Date | null
  readonly source: ProposalSource
  readonly certifiedBy: string | null
  readonly proposedAt: Date
  readonly nonceExpiresAt: Date | null
  readonly nonceSentAt: Date | null
  readonly nonceTries: number
  readonly provedAt: Date | null
  readonly verifiedBy: OperatorId | null
  readonly verifiedMeans: VerificationMeans | null
  readonly verifiedAt: Date | null
  readonly changeRequest: ChangeRequestId | null
  readonly approvedAt: Date | null
  readonly activatesAt: Date | null
  readonly activatedAt: Date | null
  readonly droppedAt: Date | null
  readonly droppedFor: string | null
}

const columns = {
  id: 'id',
  recipient: 'recipient_id',
  state: 'state',
  fingerprint: 'fingerprint',
  encryptionSubkey: 'encryption_subkey',
  algorithm: 'algorithm',
  format: 'format',
  expiresAt: 'expires_at',
  source: 'source',
  certifiedBy: 'certified_by',
  proposedAt: 'proposed_at',
  nonceExpiresAt: 'nonce_expires_at',
  nonceSentAt: 'nonce_sent_at',
  nonceTries: 'nonce_tries',
  provedAt: 'proved_at',
  verifiedBy: 'verified_by',
  verifiedMeans: 'verified_means',
  verifiedAt: 'verified_at',
  changeRequest: 'change_request',
  approvedAt: 'approved_at',
  activatesAt: 'activates_at',
  activatedAt: 'activated_at',
  droppedAt: 'dropped_at',
  droppedFor: 'dropped_for',
} as const satisfies Record<keyof ProposalRow, string>

/** What a proposal has beside its row: taken out only to be sealed to, or to be activated. */
export interface Material {
  readonly bytes: Uint8Array
  readonly rsaModuli: readonly Uint8Array[]
}

export interface NewProposal extends Material {
  readonly id: ProposalId
  readonly recipient: RecipientId
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly expiresAt: Date | null
  readonly source: ProposalSource
  readonly certifiedBy: string | null
  readonly proposedAt: Date
  readonly nonce: { readonly sha256: Buffer; readonly expiresAt: Date }
}

export async function insertProposal(trx: Knex.Transaction, proposal: NewProposal): Promise<void> {
  await trx('proposals').insert({
    id: proposal.id,
    recipient_id: proposal.recipient,
    fingerprint: proposal.fingerprint,
    bytes: Buffer.from(proposal.bytes),
    encryption_subkey: proposal.encryptionSubkey,
    algorithm: proposal.algorithm,
    format: proposal.format,
    rsa_moduli: proposal.rsaModuli.map(modulus => Buffer.from(modulus)),
    expires_at: proposal.expiresAt,
    source: proposal.source,
    certified_by: proposal.certifiedBy,
    state: 'proposed',
    proposed_at: proposal.proposedAt,
    nonce_sha256: proposal.nonce.sha256,
    nonce_expires_at: proposal.nonce.expiresAt,
    nonce_sent_at: proposal.proposedAt,
  })
}

/** Newest first. */
export async function proposalsOf(
  knex: Knex | Knex.Transaction,
  recipient: RecipientId,
  limit: number,
): Promise<readonly ProposalRow[]> {
  return knex('proposals')
    .select<ProposalRow[]>(columns)
    .where({ recipient_id: recipient })
    .orderBy('id', 'desc')
    .limit(limit)
}

/** The proposal under way: there is at most one. Of a locked recipient, it stays what it is. */
export async function openProposalOf(
  knex: Knex | Knex.Transaction,
  recipient: RecipientId,
): Promise<ProposalRow | undefined> {
  return knex('proposals')
    .where({ recipient_id: recipient })
    .whereNotIn('state', ['activated', 'dropped'])
    .first<ProposalRow | undefined>(columns)
}

export async function findProposal(
  knex: Knex | Knex.Transaction,
  id: ProposalId,
): Promise<ProposalRow | undefined> {
  return knex('proposals').where({ id }).first<ProposalRow | undefined>(columns)
}

/** The open proposal that this code was made for, unless the code has expired. It may have been proved by it. */
export async function proposalByNonce(
  knex: Knex | Knex.Transaction,
  sha256: Buffer,
  at: Date,
): Promise<ProposalRow | undefined> {
  return knex('proposals')
    .where({ nonce_sha256: sha256 })
    .where('nonce_expires_at', '>', at)
    .first<ProposalRow | undefined>(columns)
}

export async function materialOf(knex: Knex | Knex.Transaction, id: ProposalId): Promise<Material> {
  const row = await knex('proposals')
    .where({ id })
    .first<Material | undefined>({ bytes: 'bytes', rsaModuli: 'rsa_moduli' })
  if (row === undefined) throw new Error('a proposal that was found is gone')
  return row
}

export async function countSince(
  knex: Knex | Knex.Transaction,
  recipient: RecipientId,
  since: Date,
): Promise<number> {
  const { rows } = await knex.raw<{ rows: { count: number }[] }>(
    `SELECT count(*)::int AS count FROM proposals WHERE recipient_id = ? AND proposed_at > ?`,
    [recipient, since],
  )
  return rows[0]?.count ?? 0
}

export async function wasProposed(
  knex: Knex | Knex.Transaction,
  recipient: RecipientId,
  { fingerprint, encryptionSubkey }: CertificateName,
): Promise<boolean> {
  const { rows } = await knex.raw<{ rows: unknown[] }>(
    `SELECT 1 FROM proposals WHERE recipient_id = ? AND fingerprint = ? AND encryption_subkey = ? LIMIT 1`,
    [recipient, fingerprint, encryptionSubkey],
  )
  return rows.length > 0
}

/** What a step writes beside the state. */
export interface Written {
  readonly nonce_sha256?: Buffer | null
  readonly nonce_expires_at?: Date | null
  readonly nonce_sent_at?: Date
  readonly nonce_tries?: number
  readonly proved_at?: Date
  readonly verified_by?: OperatorId
  readonly verified_means?: VerificationMeans
  readonly verified_at?: Date
  readonly change_request?: ChangeRequestId
  readonly approved_at?: Date
  readonly activates_at?: Date
  readonly activated_at?: Date
  readonly dropped_at?: Date
  readonly dropped_for?: string
}

/** Moves a proposal of a locked recipient. What the machine does not know, the trigger of the table refuses as well. */
export async function moveProposal(
  trx: Knex.Transaction,
  { id, state }: Pick<ProposalRow, 'id' | 'state'>,
  to: ProposalState,
  written: Written,
): Promise<void> {
  // What is settled takes no code any more.
  const settled = isOpen(to) ? {} : { nonce_sha256: null, nonce_expires_at: null }
  const moved = await trx('proposals')
    .where({ id, state })
    .update({ state: to, ...settled, ...written })
  if (moved !== 1) throw new Error('a proposal of a locked recipient moved')
}

export async function dueProposals(knex: Knex, at: Date): Promise<readonly ProposalRow[]> {
  return knex('proposals')
    .select<ProposalRow[]>(columns)
    .where({ state: 'approved' })
    .where('activates_at', '<=', at)
    .orderBy('activates_at')
    .limit(1000)
}
