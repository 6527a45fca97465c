import type { Actor } from '../../audit/index.ts'
import { type CopyOutcome, revokeCertificate, takeCopy } from '../../keys/index.ts'
import { certificatePolicy } from '../../policy/index.ts'
import type { Parts } from '../dependencies.ts'
import type { ProposeOutcome, Recipient } from '../recipient.ts'
import { type ActiveCertificate, findRecipient } from '../standing/store.ts'

/**
 * What a copy of the active certificate changes: a revocation in it ends the certificate at once, a later end extends it.
 * Undefined: the copy brings nothing that can be used, and is to be treated as any other file.
 */
export async function takeOwnCopy(
  parts: Parts,
  { id }: Recipient,
  { fingerprint }: ActiveCertificate,
  bytes: Uint8Array,
): Promise<ProposeOutcome | undefined> {
  const { policy } = parts
  const actor: Actor = { kind: 'recipient', id }
  const copying = { ...parts, policy: async (knex: Parts['knex']) => certificatePolicy(await policy(knex)) }
  const copy = await takeCopy(copying, { actor, fingerprint, bytes, source: 'upload' })
  // A crash here leaves people untold of what holds already.
  await tellOfCopy(parts, id, fingerprint, copy)
  switch (copy.outcome) {
    case 'revoked':
      return { outcome: 'revoked', fingerprint }
    case 'renewed':
      return { outcome: 'extended', fingerprint }
    case 'unchanged':
      return { outcome: 'unchanged', fingerprint }
    default:
      return undefined
  }
}

async function tellOfCopy(
  { knex, tell }: Parts,
  id: Recipient['id'],
  fingerprint: string,
  copy: CopyOutcome,
): Promise<void> {
  if (copy.outcome !== 'revoked' && copy.outcome !== 'renewed') return
  await knex.transaction(async trx => {
    const recipient = await findRecipient(trx, id)
    if (recipient === undefined) return
    const report = copy.outcome === 'revoked' ? 'certificate_revoked' : 'certificate_extended'
    await tell.admins(trx, recipient.address, report, fingerprint)
    if (copy.outcome !== 'renewed' || copy.expiresAt === null) return
    const { expiresAt } = copy
    await tell.recipient(trx, recipient, 'certificate_extended', { fingerprint, expiresAt })
  })
}

/** Revokes the one of these certificates that `file` revokes, if it does; gives its fingerprint. */
export async function revokedByFile(
  { knex, clock, inspector, stop, sender, tell }: Parts,
  { id, address }: Recipient,
  certificates: readonly ActiveCertificate[],
  file: Uint8Array,
): Promise<string | undefined> {
  for (const { fingerprint, bytes, encryptionSubkey } of certificates) {
    if (!(await inspector.revokes(file, bytes, encryptionSubkey))) continue
    await knex.transaction(async trx => {
      const actor = { kind: 'recipient', id } as const
      const order = { actor, means: 'upload', reason: 'unknown', fingerprint, stop, sender } as const
      const { outcome } = await revokeCertificate(trx, clock, order)
      if (outcome === 'revoked') await tell.admins(trx, address, 'certificate_revoked', fingerprint)
    })
    return fingerprint
  }
  return undefined
}
