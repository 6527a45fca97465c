import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import {
  type ChangeRequestId,
  newId,
  type OperatorId,
  type ProposalId,
  type RecipientId,
  systemClock,
} from '../../src/kernel/index.ts'
import type { ApprovedProposal } from '../../src/keys/index.ts'

interface ProposalColumns {
  readonly fingerprint?: string
  readonly rsaModuli?: readonly Uint8Array[]
  /** Of the certificate that certified it. */
  readonly certifiedBy?: string
}

/** A row of `proposals` in its first state; as the database's owner. */
export async function insertProposal(
  owner: Knex,
  recipient: RecipientId,
  { fingerprint = someFingerprint(), rsaModuli = [], certifiedBy }: ProposalColumns = {},
): Promise<ApprovedProposal> {
  const proposal: ApprovedProposal = {
    id: newId('prp', systemClock),
    recipient,
    fingerprint,
    bytes: Buffer.from(fingerprint),
    encryptionSubkey: someFingerprint(),
    algorithm: 'rsa4096',
    format: 'seipdv1',
    rsaModuli,
    expiresAt: new Date('2099-01-01T00:00:00Z'),
  }
  await owner('proposals').insert({
    id: proposal.id,
    recipient_id: recipient,
    fingerprint,
    bytes: proposal.bytes,
    encryption_subkey: proposal.encryptionSubkey,
    algorithm: proposal.algorithm,
    format: proposal.format,
    rsa_moduli: [...rsaModuli],
    expires_at: proposal.expiresAt,
    source: 'upload',
    certified_by: certifiedBy ?? null,
    state: 'proposed',
    proposed_at: new Date(),
  })
  return proposal
}

/** A proposal that went the whole way to `approved`: by two operators, or by the certificate that certified it. */
export async function insertApproved(
  owner: Knex,
  recipient: RecipientId,
  columns: ProposalColumns = {},
): Promise<ApprovedProposal> {
  const proposal = await insertProposal(owner, recipient, columns)
  const [id, now] = [proposal.id, new Date()]
  const step = (changes: object) => owner('proposals').where({ id }).update(changes)
  await step({ state: 'proved', proved_at: now })
  if (columns.certifiedBy !== undefined) {
    await step({ state: 'approved', approved_at: now })
    return proposal
  }
  const { asker, change } = await approvedChange(owner, id)
  await step({ state: 'verified', verified_at: now, verified_by: asker, verified_means: 'phone' })
  await step({ state: 'approved', approved_at: now, change_request: change })
  return proposal
}

async function approvedChange(
  owner: Knex,
  subject: ProposalId,
): Promise<{ asker: OperatorId; change: ChangeRequestId }> {
  const [asker, approver] = [newId('opr', systemClock), newId('opr', systemClock)]
  const change = newId('chg', systemClock)
  const now = new Date()
  await owner('operators').insert(
    [asker, approver].map((id, i) => ({
      id,
      name: id,
      address: `${id}@ops.test`,
      roles: [i === 0 ? 'admin' : 'approver'],
      created_at: now,
    })),
  )
  const request = { id: change, kind: 'recipient.activate', subject, body: '{}', state: 'pending' }
  const expires = new Date(now.getTime() + 3_600_000)
  await owner('change_requests').insert({ ...request, asked_by: asker, asked_at: now, expires_at: expires })
  const decision = { state: 'approved', decided_by: approver, decided_at: now }
  await owner('change_requests').where({ id: change }).update(decision)
  return { asker, change }
}

export function someFingerprint(): string {
  return randomBytes(20).toString('hex').toUpperCase()
}
