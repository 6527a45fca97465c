import { appendEvents, markRecorded, recordEvent } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import type { Parts } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Recipient } from '../recipient.ts'
import { locked } from '../standing/locked.ts'
import { findRecipient } from '../standing/store.ts'
import { viewOf } from '../view/view.ts'
import { ownerOf, useUp } from './links.ts'

export function openPages(parts: Parts): Pick<Enrolment, 'openLink' | 'recipientOf'> {
  const { knex, clock, links } = parts
  return {
    async openLink(token, peer) {
      const at = clock.now()
      try {
        const owner = await ownerOf(knex, token, 'enrol', at)
        if (owner === undefined) throw new SealpostError('link_invalid')
        return await knex.transaction(async trx => {
          const recipient = await locked(trx, owner.recipient)
          if (recipient.state === 'unenrolled') throw new SealpostError('link_invalid')
          await useUp(trx, token, 'enrol', at)
          const session = links.session(recipient.id)
          await session.store(trx)
          await appendEvents(trx, clock, [
            {
              actor: { kind: 'recipient', id: recipient.id },
              event: { type: 'enrolment.link.used', recipient: recipient.id },
            },
          ])
          return { session: session.token, recipient }
        })
      } catch (error) {
        await recordRefusal(parts, error, peer)
        throw error
      }
    },

    recipientOf: async session => viewOf(knex, await recipientOfSession(parts, session)),
  }
}

/** Whose page it is. Throws `link_invalid`. */
export async function recipientOfSession(
  { knex, clock }: Pick<Parts, 'knex' | 'clock'>,
  session: string | undefined,
): Promise<Recipient> {
  const owner = await ownerOf(knex, session, 'session', clock.now())
  const recipient = owner === undefined ? undefined : await findRecipient(knex, owner.recipient)
  if (recipient === undefined || recipient.state === 'unenrolled') throw new SealpostError('link_invalid')
  return recipient
}

/** Writes down that somebody unknown came with a token that is none. */
export async function recordRefusal(
  { knex, clock }: Pick<Parts, 'knex' | 'clock'>,
  error: unknown,
  peer: string,
): Promise<void> {
  if (!(error instanceof SealpostError)) return
  if (error.code !== 'link_invalid' && error.code !== 'possession_not_proved') return
  const actor = { kind: 'peer', address: peer } as const
  const { code } = error
  await recordEvent(knex, clock, actor, {
    type: 'request.refused',
    code,
    recipients: [],
    unknownRecipients: 0,
  })
  markRecorded(error)
}
