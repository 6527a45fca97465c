import type { Actor } from '../../audit/index.ts'
import { type CopyOutcome, endRevokedSubkey, revokeCertificate, takeCopy } from '../../keys/index.ts'
import { certificatePolicy } from '../../policy/index.ts'
import type { Parts } from '../dependencies.ts'
import type { ProposeOutcome, Recipient } from '../recipient.ts'
import { type ActiveCertificate, findRecipient } from '../standing/store.ts'

/** What a copy of a certificate that is in use, or was, came to. */
export interface OwnCopy {
  /** Undefined: the copy brings nothing that can be used, and is to be treated as any other file. */
  readonly outcome: ProposeOutcome | undefined
  /** Our copy and theirs as one, when they have an encryption subkey to be used instead: something to propose. */
  readonly newer: Uint8Array | undefined
}

/**
 * What a copy of a recipient's own certificate changes: a revocation in it ends the certificate at once, a later end
 * extends the active one.
 */
export async function takeOwnCopy(
  parts: Parts,
  { id }: Recipient,
  { fingerprint }: ActiveCertificate,
  bytes: Uint8Array,
): Promise<OwnCopy> {
  const { policy } = parts
  const actor: Actor = { kind: 'recipient', id }
  const copying = { ...parts, policy: async (knex: Parts['knex']) => certificatePolicy(await policy(knex)) }
  const copy = await takeCopy(copying, { actor, fingerprint, bytes, source: 'upload' })
  // A crash here leaves people untold of what holds already.
  await tellOfCopy(parts, id, fingerprint, copy)
  const newer = 'newer' in copy ? copy.newer : undefined
  switch (copy.outcome) {
    case 'revoked':
      return { outcome: { outcome: 'revoked', fingerprint }, newer }
    case 'renewed':
      return { outcome: { outcome: 'extended', fingerprint }, newer }
    case 'unchanged':
      return { outcome: { outcome: 'unchanged', fingerprint }, newer }
    default:
      return { outcome: undefined, newer }
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

/**
 * Revokes the one of these certificates that `file` revokes, if it does, and gives its fingerprint. The revocation of a
 * subkey ends everything under its primary key, unless another subkey of that one is in use already.
 */
export async function revokedByFile(
  { knex, clock, inspector, stop, sender, tell }: Parts,
  { id, address }: Recipient,
  certificates: readonly ActiveCertificate[],
  file: Uint8Array,
): Promise<string | undefined> {
  const active = certificates.find(({ state }) => state === 'active')
  for (const certificate of certificates) {
    const { fingerprint, bytes, encryptionSubkey } = certificate
    if (!(await inspector.revokes(file, bytes, encryptionSubkey))) continue
    const replaced = certificate !== active && fingerprint === active?.fingerprint
    const subkeyAlone = replaced && !(await inspector.revokes(file, bytes))
    await knex.transaction(async trx => {
      const actor = { kind: 'recipient', id } as const
      if (subkeyAlone) {
        await endRevokedSubkey(trx, clock, { actor, stop }, id, certificate)
        return
      }
      const order = { actor, means: 'upload', reason: 'unknown', fingerprint, stop, sender } as const
      const { outcome } = await revokeCertificate(trx, clock, order)
      if (outcome === 'revoked') await tell.admins(trx, address, 'certificate_revoked', fingerprint)
    })
    return fingerprint
  }
  return undefined
}
