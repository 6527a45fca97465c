import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProposalId, RecipientId } from '../../src/kernel/index.ts'
import { checkStillUsable, type RecipientFilter, resolveRecipients } from '../../src/recipients/index.ts'
import { dueProposals, findProposal, openProposalOf } from '../../src/recipients/proposal/store.ts'
import { openLooking } from '../../src/recipients/view/look.ts'
import { openRooms, type Rooms } from '../access/support.ts'
import { estateAddress, fillEstate } from '../support/estate.ts'

// What a query costs among 100,000 recipients is measured by `npm run bench:estate`; here, that each goes by an index.
const count = 20_000
const at = new Date()
const soon = new Date(at.getTime() + 30 * 86_400_000)
const middle = `rcp_${String(count / 2).padStart(26, '0')}` as RecipientId

let rooms: Rooms
let looking: ReturnType<typeof openLooking>
beforeAll(async () => {
  rooms = await openRooms()
  await fillEstate(rooms.owner, count)
  looking = openLooking({ knex: rooms.gateway, clock: { now: () => at } })
}, 120_000)
afterAll(() => rooms.close())

/** The plans of the queries that a task asks, as PostgreSQL makes them for these values. */
async function plansOf(task: (knex: Knex) => Promise<unknown>): Promise<string[]> {
  const asked: { sql: string; bindings: readonly Knex.RawBinding[] }[] = []
  const listen = (query: (typeof asked)[number]): void => {
    asked.push({ sql: query.sql, bindings: query.bindings })
  }
  rooms.gateway.on('query', listen)
  await task(rooms.gateway)
  rooms.gateway.off('query', listen)
  const plans: string[] = []
  for (const { sql, bindings } of asked) {
    const { rows } = await rooms.gateway.raw<{ rows: Record<string, string>[] }>(
      `EXPLAIN ${sql.replaceAll('?', String.raw`\?`).replace(/\$\d+/g, '?')}`,
      [...bindings],
    )
    plans.push(rows.map(row => row['QUERY PLAN']).join('\n'))
  }
  return plans
}

const list = (filter: RecipientFilter, after?: RecipientId) => () =>
  looking.list(filter, { limit: 200, ...(after === undefined ? {} : { after }) })
const pin = {
  recipient: middle,
  address: estateAddress(count / 2),
  certificate: `E${(count / 2).toString(16).toUpperCase().padStart(39, '0')}`,
  encryptionSubkey: `C${(count / 2).toString(16).toUpperCase().padStart(39, '0')}`,
}

test.each<[string, (knex: Knex) => Promise<unknown>]>([
  ['resolving one address', knex => resolveRecipients(knex, [estateAddress(1)], at)],
  [
    'resolving fifty',
    knex =>
      resolveRecipients(
        knex,
        Array.from({ length: 50 }, (_, i) => estateAddress(i + 1)),
        at,
      ),
  ],
  ['looking again before MAIL FROM', knex => checkStillUsable(knex, [pin], at)],
  ['a first page', list({})],
  ['a later page', list({}, middle)],
  ['a state', list({ state: 'suspended' })],
  ['a state and a kind', list({ state: 'invited', kind: 'supplier' })],
  ['an organisation', list({ organisation: 'Organisation 7' })],
  ['the beginning of an address', list({ q: 'person77' })],
  ['what nothing begins with', list({ q: 'nobody' })],
  ['what ends soon', list({ expiringBefore: soon })],
  ['one recipient', () => looking.show(middle)],
  ['a proposal', knex => findProposal(knex, 'prp_x' as ProposalId)],
  ['the proposal under way', knex => openProposalOf(knex, middle)],
  ['proposals that are due', knex => dueProposals(knex, at)],
])('%s reads no table as a whole', async (_, task) => {
  const plans = await plansOf(task)
  expect(plans.length).toBeGreaterThan(0)
  for (const plan of plans) {
    expect(plan).not.toMatch(/Seq Scan on (?:recipients|certificates|proposals|attestations)/)
  }
})

test('what was measured is what is there', async () => {
  expect((await resolveRecipients(rooms.gateway, [estateAddress(1)], at)).usable).toHaveLength(1)
  expect(await checkStillUsable(rooms.gateway, [pin], at)).toEqual([undefined])
  expect(await looking.list({}, { limit: 200 })).toHaveLength(200)
  expect((await looking.list({ expiringBefore: soon }, { limit: 200 })).length).toBeGreaterThan(50)
  const { refused } = await resolveRecipients(rooms.gateway, [estateAddress(0x64)], at)
  expect(refused).toMatchObject([{ code: 'certificate_not_allowed' }])
})
