import { revokeCertificate } from '../../keys/index.ts'
import type { Parts } from '../dependencies.ts'
import type { ProposalSource, ProposeOutcome, Recipient } from '../recipient.ts'
import { lockedWithProposal } from '../standing/locked.ts'
import type { ActiveCertificate } from '../standing/store.ts'
import type { Judged } from './judge.ts'

/**
 * What a copy of the active certificate changes: a revocation in it ends the certificate at once. Undefined: the copy is to
 * be treated as any other file.
 */
export async function takeCopy(
  parts: Parts,
  recipient: Recipient,
  active: ActiveCertificate,
  bytes: Uint8Array,
  { accepted }: Judged,
  _source: ProposalSource,
): Promise<ProposeOutcome | undefined> {
  const { fingerprint } = active
  if (await revokedByFile(parts, recipient, [active], bytes)) return { outcome: 'revoked', fingerprint }
  if (accepted?.encryptionSubkey !== active.encryptionSubkey) return undefined
  return { outcome: 'unchanged', fingerprint }
}

/** Revokes the one of these certificates that `file` revokes, if it does; whether it did. */
export async function revokedByFile(
  { knex, clock, inspector, stop, sender, tell }: Parts,
  { id }: Recipient,
  certificates: readonly ActiveCertificate[],
  file: Uint8Array,
): Promise<boolean> {
  for (const { fingerprint, bytes, encryptionSubkey } of certificates) {
    if (!(await inspector.revokes(file, bytes, encryptionSubkey))) continue
    await knex.transaction(async trx => {
      const { recipient } = await lockedWithProposal(trx, id)
      const actor = { kind: 'recipient', id } as const
      const order = { actor, means: 'upload', reason: 'unknown', fingerprint, stop, sender } as const
      const { outcome } = await revokeCertificate(trx, clock, order)
      if (outcome !== 'revoked') return
      await tell.admins(trx, recipient.address, 'certificate_revoked', fingerprint)
    })
    return true
  }
  return false
}
