import type { Actor } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { revocationReasons, revokeCertificate } from '../../keys/index.ts'
import { withdrawNotices } from '../../notices/index.ts'
import type { Parts } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import { dropProposal } from '../proposal/drop.ts'
import { revokedByFile } from '../proposal/own-copy.ts'
import { lockedWithProposal } from '../standing/locked.ts'
import { revocableOf } from '../standing/store.ts'
import { endLinks, ownerOf, useUp } from './links.ts'
import { recipientOfSession, recordRefusal } from './pages.ts'

export function openStopping(parts: Parts): Pick<Enrolment, 'revokeByLink' | 'revokeByUpload'> {
  const { knex, clock, stop, sender, tell } = parts
  return {
    async revokeByLink(token, reason, peer) {
      if (!revocationReasons.includes(reason))
        throw new SealpostError('invalid_request', {
          errors: [{ pointer: '/reason', code: 'unknown_value' }],
        })
      const at = clock.now()
      try {
        const owner = await ownerOf(knex, token, 'revoke', at)
        if (owner === undefined) throw new SealpostError('link_invalid')
        const { recipient: id } = owner
        // The button pressed twice.
        if (owner.used && (await revocableOf(knex, id)).length === 0) return { revoked: [] }
        return await knex.transaction(async trx => {
          const { recipient, open } = await lockedWithProposal(trx, id)
          await useUp(trx, token, 'revoke', at)
          const actor: Actor = { kind: 'recipient', id }
          if (open !== undefined) await dropProposal(trx, clock, actor, open, 'stopped')
          // Whoever is at it on a page that was opened before must not go on.
          await endLinks(trx, id)
          await withdrawNotices(trx, clock, id)
          await tell.admins(trx, recipient.address, 'recipient_stopped', open?.fingerprint ?? null)
          const revoked: string[] = []
          const mine = new Set((await revocableOf(trx, id)).map(({ fingerprint }) => fingerprint))
          for (const fingerprint of mine) {
            await revokeCertificate(trx, clock, { actor, means: 'link', reason, fingerprint, stop, sender })
            revoked.push(fingerprint)
          }
          return { revoked }
        })
      } catch (error) {
        await recordRefusal(parts, error, peer)
        throw error
      }
    },

    async revokeByUpload(session, bytes) {
      const recipient = await recipientOfSession(parts, session)
      const revoked = await revokedByFile(parts, recipient, await revocableOf(knex, recipient.id), bytes)
      return revoked !== undefined
    },
  }
}
