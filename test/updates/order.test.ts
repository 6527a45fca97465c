import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ApplicationId } from '../../src/kernel/index.ts'
import { endOfUpdates, readUpdates } from '../../src/updates/store.ts'
import { eventually } from '../support/locks.ts'
import { type Accepted, openPost, type Post } from '../support/post.ts'

let post: Post
let application: ApplicationId
beforeAll(async () => {
  post = await openPost()
  const [known] = await post.owner('applications').select<{ id: ApplicationId }[]>('id')
  if (known === undefined) throw new Error('there is no application')
  application = known.id
})
const opened: Knex.Transaction[] = []
afterEach(async () => {
  for (const trx of opened.splice(0)) if (!trx.isCompleted()) await trx.rollback()
})
afterAll(() => post.close())

const begin = async (): Promise<Knex.Transaction> => {
  const trx = await post.gateway.transaction()
  opened.push(trx)
  // From here on it has a place in the order.
  await trx.raw('SELECT pg_current_xact_id()')
  return trx
}
const defer = (knex: Knex | Knex.Transaction, { delivery }: Accepted, attempts: number) =>
  knex('deliveries').where({ id: delivery }).update({ attempts, outcome: 'greylisted' })
const told = async (of: readonly Accepted[]) => {
  const { updates } = await readUpdates(
    post.gateway,
    { applications: [application] },
    { xid: 0n, id: 0n },
    1000,
  )
  const deliveries = of.map(({ delivery }) => delivery)
  return updates.filter(({ delivery }) => deliveries.includes(delivery))
}

test('a transaction that began early and changes a delivery late is told after what came before it', async () => {
  const accepted = await post.acceptOne('early@bank.test')
  const early = await begin()
  await defer(post.gateway, accepted, 1)
  await early('deliveries')
    .where({ id: accepted.delivery })
    .update({ state: 'failed', outcome: 'cancelled', ciphertext: null })
  await early.commit()
  await eventually('both are told', async () => (await told([accepted])).length === 2)
  expect((await told([accepted])).map(({ type }) => type)).toEqual(['delivery.deferred', 'delivery.failed'])
})

test('nothing is read past a transaction under way, so that what it tells is never missed', async () => {
  const [one, two] = [await post.acceptOne('one@bank.test'), await post.acceptOne('two@bank.test')]
  const slow = await begin()
  await defer(slow, one, 1)
  await defer(post.gateway, two, 1)
  const before = await endOfUpdates(post.gateway)
  expect(await told([one, two])).toEqual([])
  await slow.commit()
  // Other tests of this run share the server, and with it the order of transactions.
  await eventually('both are told', async () => (await told([one, two])).length === 2)
  const { updates } = await readUpdates(post.gateway, { applications: [application] }, before, 1000)
  expect(updates.map(({ delivery }) => delivery)).toEqual([one.delivery, two.delivery])
})

test('an attempt that begins is no update; each of many in one statement is', async () => {
  const all = await post.accept('a@many.test', 'b@many.test', 'c@many.test')
  const ids = all.map(({ delivery }) => delivery)
  await post.gateway('deliveries').whereIn('id', ids).update({ state: 'sending', attempts: 1 })
  await post
    .gateway('deliveries')
    .whereIn('id', ids)
    .update({ state: 'delivered', outcome: 'delivered', ciphertext: null })
  await eventually('they are told', async () => (await told(all)).length === 3)
  expect((await told(all)).map(({ type, delivery }) => [type, delivery])).toEqual(
    ids.toSorted().map(id => ['delivery.delivered', id]),
  )
})

test('whoever changed nothing else cannot write or alter updates', async () => {
  for (const statement of [
    `INSERT INTO updates (xid, application_id, message_id, delivery_id, type) VALUES ('1', 'a', 'm', 'd', 't')`,
    `UPDATE updates SET type = 'delivery.delivered'`,
    `INSERT INTO webhooks (id, application_id, url, created_at) VALUES ('w', 'a', 'https://a', now())`,
    `UPDATE webhooks SET url = 'https://elsewhere'`,
    `DELETE FROM webhook_secrets`,
  ])
    await expect(post.gateway.raw(statement)).rejects.toMatchObject({ code: '42501' })
})
