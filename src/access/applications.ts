import type { Knex } from 'knex'
import { appendEvents } from '../audit/index.ts'
import { type Address, type ApplicationId, type Clock, newId, SealpostError } from '../kernel/index.ts'
import { inBatches, isUniqueViolation } from '../platform/index.ts'
import {
  type Application,
  type ApplicationChange,
  allApplications,
  applicationsBySan,
  insertApplication,
  markRevoked,
  updateApplication,
} from './store.ts'

/**
 * Tells the application that verified names belong to, asking the database each time, so that a revocation holds at the
 * next request. What is asked at the same time shares a query. Throws `application_unknown` unless there is exactly one.
 */
export function openIdentification(knex: Knex): (names: readonly string[]) => Promise<Application> {
  const find = inBatches(256, async (asked: readonly (readonly string[])[]) => {
    const found = await applicationsBySan(knex, asked.flat())
    return asked.map(names => found.filter(({ san }) => names.includes(san)))
  })
  return async names => {
    const [application, other] = await find(names)
    if (application === undefined || other !== undefined) throw new SealpostError('application_unknown')
    return application
  }
}

/** Whether the application may write from this address: it is listed, or its domain is. */
export function maySendFrom(application: Application, from: Address): boolean {
  return application.senders.includes(from) || application.senders.includes(from.slice(from.indexOf('@')))
}

/** What an application may send of card data. */
export type CardRule = Pick<Application, 'cards' | 'maxCards' | 'unreadable'>

/** Of an application for which nothing else was said: card numbers, any number of them, in parts that can be looked into. */
export const ordinaryCards: CardRule = { cards: 'allowed', maxCards: null, unreadable: false }

/** Messages a minute of an application for which nothing else was said. */
export const ordinaryRate = 600

/** Registers an application. Throws `name_taken`. */
export async function addApplication(
  knex: Knex,
  clock: Clock,
  {
    name,
    san,
    senders,
    rule = ordinaryCards,
    ratePerMinute = ordinaryRate,
  }: Pick<Application, 'name' | 'san' | 'senders'> & {
    readonly rule?: CardRule
    readonly ratePerMinute?: number
  },
): Promise<Application> {
  const id = newId('app', clock)
  const may = { ...rule, ratePerMinute }
  const application = { id, name, san, senders, ...may, createdAt: clock.now(), revokedAt: null }
  try {
    await knex.transaction(async trx => {
      await insertApplication(trx, application)
      await appendEvents(trx, clock, [
        { actor: { kind: 'host' }, event: { type: 'application.added', application: id, san, ...may } },
      ])
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new SealpostError('name_taken')
    throw error
  }
  return application
}

/** Changes what an application may send, and how much, from its next message on; what is not named stays. Throws `not_found`. */
export async function changeApplication(
  knex: Knex,
  clock: Clock,
  name: string,
  change: ApplicationChange,
): Promise<ApplicationId> {
  return knex.transaction(async trx => {
    const changed = await updateApplication(trx, name, change)
    if (changed === undefined) throw new SealpostError('not_found')
    const { id: application, cards, maxCards, unreadable, ratePerMinute } = changed
    const may = { cards, maxCards, unreadable, ratePerMinute }
    await appendEvents(trx, clock, [
      { actor: { kind: 'host' }, event: { type: 'application.changed', application, ...may } },
    ])
    return application
  })
}

/** Ends an application's access at its next request. Throws `not_found`. */
export async function revokeApplication(knex: Knex, clock: Clock, name: string): Promise<ApplicationId> {
  return knex.transaction(async trx => {
    const id = await markRevoked(trx, name, clock.now())
    if (id === undefined) throw new SealpostError('not_found')
    await appendEvents(trx, clock, [
      { actor: { kind: 'host' }, event: { type: 'application.revoked', application: id } },
    ])
    return id
  })
}

export async function listApplications(knex: Knex): Promise<readonly Application[]> {
  return allApplications(knex)
}
