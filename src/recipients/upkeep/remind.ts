import type { Knex } from 'knex'
import { operatorsWith } from '../../access/index.ts'
import { listed, queueNotice } from '../../notices/index.ts'
import type { Lifecycle } from '../../policy/index.ts'
import { requiredEnds } from '../standing/attestations.ts'
import { attestationsOf, findRecipient } from '../standing/store.ts'
import { type Due, endingAttestations, endingCertificates, first, markReminded } from './store.ts'
import type { UpkeepParts } from './upkeep.ts'

export type Reminding = Pick<Lifecycle, 'remindDays' | 'invitationDays'>

const day = 86_400_000
const batch = 200

/** Whole days from `at` to `end`, begun ones counted. */
export function daysUntil(end: Date, at: Date): number {
  return Math.max(0, Math.ceil((end.getTime() - at.getTime()) / day))
}

/** Tells of certificates that end: their owners, with a link to upload another, and the admins. Gives how many. */
export function remindOfCertificates(parts: UpkeepParts, rules: Reminding): Promise<number> {
  const { knex, clock, links, tell } = parts
  return remind(
    parts,
    'certificate',
    after => endingCertificates(knex, clock.now(), rules.remindDays, after, batch),
    async (trx, due) => {
      const to = { id: due.recipient, address: due.address }
      const link = links.enrol(due.recipient, rules.invitationDays)
      await link.store(trx)
      await tell.recipient(trx, to, 'expiring', {
        fingerprint: due.subject,
        expiresAt: due.due,
        days: daysUntil(due.due, clock.now()),
        until: link.expiresAt,
        enrolToken: link.token,
      })
    },
  )
}

/** Tells of attestations that end: each that does within this distance. */
export function remindOfAttestations(parts: UpkeepParts, rules: Reminding): Promise<number> {
  const { knex, clock, tell } = parts
  return remind(
    parts,
    'attestation',
    after => endingAttestations(knex, clock.now(), rules.remindDays, after, batch),
    async (trx, due) => {
      const recipient = await findRecipient(trx, due.recipient)
      if (recipient === undefined) return
      const now = clock.now()
      const within = new Date(now.getTime() + due.days * day)
      const ends = requiredEnds(recipient.kind, await attestationsOf(trx, recipient.id))
      for (const { kind, validUntil } of ends) {
        if (validUntil <= now || validUntil > within) continue
        const days = daysUntil(validUntil, now)
        await tell.recipient(trx, recipient, 'attestation_expiring', { attestation: kind, validUntil, days })
      }
    },
  )
}

/**
 * Takes what is due in batches, each with its reminders and its notices in one transaction: who was told is written down
 * exactly when the notice is queued. Where a batch fails, each of it is tried by itself, so that one that cannot be told
 * holds up nobody; the last failure is thrown at the end.
 */
async function remind(
  parts: UpkeepParts,
  thing: 'certificate' | 'attestation',
  find: (after: Pick<Due, 'due' | 'subject'>) => Promise<readonly Due[]>,
  tellOwner: (trx: Knex.Transaction, due: Due) => Promise<void>,
): Promise<number> {
  let reminded = 0
  let failure: unknown
  const attempt = async (dues: readonly Due[]): Promise<void> => {
    try {
      reminded += await parts.knex.transaction(async trx => {
        const news = await markReminded(trx, dues, parts.clock.now())
        const mine = dues.filter(({ subject }) => news.has(subject))
        for (const due of mine) await tellOwner(trx, due)
        await tellAdmins(parts, trx, thing, mine)
        return mine.length
      })
    } catch (error) {
      failure = error
      if (dues.length > 1) for (const due of dues) await attempt([due])
    }
  }
  for (let after: Pick<Due, 'due' | 'subject'> | undefined = first; after !== undefined; ) {
    const dues = await find(after)
    if (dues.length > 0) await attempt(dues)
    after = dues.length < batch ? undefined : dues.at(-1)
  }
  if (failure !== undefined) throw failure as Error
  return reminded
}

async function tellAdmins(
  { clock, sender }: UpkeepParts,
  trx: Knex.Transaction,
  thing: 'certificate' | 'attestation',
  dues: readonly Due[],
): Promise<void> {
  if (dues.length === 0) return
  const list = dues.slice(0, listed).map(({ address: about, due: endsAt }) => ({
    about,
    thing,
    endsAt,
    days: daysUntil(endsAt, clock.now()),
  }))
  const fields = { list, more: dues.length - list.length }
  for (const { id: operator, address } of await operatorsWith(trx, 'admin')) {
    await queueNotice(trx, clock, sender, { kind: 'ending_soon', to: { operator, address }, fields })
  }
}
