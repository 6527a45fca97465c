import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AuditEntry, appendEvents } from '../../src/audit/index.ts'
import { openIndexing } from '../../src/audit-log/index.ts'
import { type DeliveryId, type MessageId, newId, type RecipientId } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import {
  type DeliveryFilter,
  type EventFilter,
  exportEvents,
  searchDeliveries,
  searchEvents,
} from '../../src/review/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

// Each search goes through all of its pages; a busy machine makes more of them.
vi.setConfig({ testTimeout: 120_000 })

// A block of the index and a piece, made of messages to one to three recipients that end at once, late, or never.
const messages = 200
const start = Date.UTC(2026, 0, 1)
const outcomes = ['timeout', 'greylisted', 'mailbox_unknown'] as const

let database: TestDatabase
let owner: Knex
let gateway: Knex
let auditor: Knex
let now = start
const clock = { now: () => new Date((now += 1_000)) }
const opened = new AsyncDisposableStack()
const key = (i: number) => `${'E'.repeat(39)}${i}`
const pick = <Item>(items: readonly Item[], i: number): Item => items[i % items.length]!
const recipients: RecipientId[] = []
const applications: string[] = []

interface Sent {
  readonly id: DeliveryId
  readonly message: MessageId
  ended: boolean
}

beforeAll(async () => {
  database = await testDatabase()
  opened.defer(() => database.drop())
  const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 3 }
  ;[owner, gateway, auditor] = ([database.owner, database.gateway, database.auditor] as const).map(
    source => opened.adopt(openDatabase(source, session), pool => pool.close()).knex,
  ) as [Knex, Knex, Knex]
  for (let i = 0; i < 4; i++) {
    recipients.push(newId('rcp', clock))
    applications.push(newId('app', clock))
    await owner('applications').insert({
      id: applications[i],
      name: `${i}`,
      san: `URI:${i}`,
      senders: ['a@b.test'],
      created_at: clock.now(),
    })
    await owner('recipients').insert({
      id: recipients[i],
      address: `p${i}@org${i % 2}.test`,
      kind: 'supplier',
      organisation: 'x',
      state: 'active',
      created_at: clock.now(),
    })
    await owner('certificates').insert({
      fingerprint: key(i),
      recipient_id: recipients[i],
      bytes: Buffer.alloc(0),
      encryption_subkey: key(i).replaceAll('E', 'C'),
      algorithm: 'x',
      format: 'seipdv2',
      state: 'active',
      accepted_at: clock.now(),
    })
  }
  await fill(messages)
})
afterAll(() => opened.disposeAsync())

const open: Sent[] = []
/** Those that never end. */
const waiting: Sent[] = []

/** Accepts messages, and meanwhile defers and ends some of those before, seldom long after. */
async function fill(count: number): Promise<void> {
  await owner.transaction(async trx => {
    const entries: AuditEntry[] = []
    for (let i = 0; i < count; i++) {
      const message = newId('msg', clock)
      const application = pick(applications, i % 50 === 7 ? 3 : i % 3) as never
      await trx('messages').insert({
        id: message,
        application_id: application,
        sender: 'a@b.test',
        accepted_at: clock.now(),
      })
      const to = i % 10 === 0 ? [0, 1, 2] : [i % 101 === 5 ? 3 : i % 3]
      const rows = to.map((recipient, position) => ({
        id: newId('dlv', clock),
        message_id: message,
        position,
        recipient_id: recipients[recipient]!,
        address: `p${recipient}@org${recipient % 2}.test`,
        certificate: key(recipient),
        encryption_subkey: key(recipient).replaceAll('E', 'C'),
        format: 'seipdv2',
        outer_date: '',
        outer_message_id: '',
        ciphertext_sha256: '0'.repeat(64),
        ciphertext_bytes: 1,
        state: 'queued',
        accepted_at: clock.now(),
        give_up_at: clock.now(),
      }))
      await trx('deliveries').insert(rows)
      const deliveries = rows.map(row => ({
        delivery: row.id,
        recipient: row.recipient_id,
        certificate: row.certificate,
        encryptionSubkey: row.encryption_subkey,
        ciphertextSha256: row.ciphertext_sha256,
        ciphertextBytes: 1,
      }))
      entries.push({
        actor: { kind: 'application', id: application },
        event: { type: 'message.accepted', message, deliveries } as never,
      })
      const sent = rows.map(({ id }) => ({ id, message, ended: false }))
      if (i % 25 === 3) waiting.push(...sent)
      else open.push(...sent)
      if (i % 4 === 0 && open.length > 0) entries.push(await tried(trx, pick(open, i * 7), 'temporary', i))
      // Most end soon; a few are as old as there are.
      for (const sent of i % 90 === 0 ? open.slice(0, 2) : open.slice(-2)) {
        if (!sent.ended && i % 13 !== 0)
          entries.push(await tried(trx, sent, i % 30 === 1 ? 'failed' : 'delivered', i))
      }
      entries.push({
        actor: { kind: 'peer', address: `10.0.0.${i % 5}` },
        event: {
          type: 'request.refused',
          code: pick(['not_found', 'sealed'], i),
          recipients: [],
          unknownRecipients: 0,
        },
      })
    }
    await appendEvents(trx, clock, entries)
  })
  await intoLog()
}

const tries = new Map<DeliveryId, number>()

async function tried(
  trx: Knex.Transaction,
  sent: Sent,
  how: 'temporary' | 'delivered' | 'failed',
  i: number,
): Promise<AuditEntry> {
  const number = (tries.get(sent.id) ?? 0) + 1
  tries.set(sent.id, number)
  const outcome = how === 'delivered' ? 'delivered' : pick(outcomes, i)
  const at = clock.now()
  await trx('attempts').insert({ delivery_id: sent.id, number, started_at: at, finished_at: at, outcome })
  if (how !== 'temporary') {
    sent.ended = true
    if (open.includes(sent)) open.splice(open.indexOf(sent), 1)
    await trx('deliveries').where({ id: sent.id }).update({ state: how, outcome, settled_at: at })
  }
  const type = how === 'temporary' ? 'delivery.deferred' : `delivery.${how}`
  const fields = { delivery: sent.id, attempt: number, outcome, host: null, tls: null, replyCode: null }
  return { actor: { kind: 'gateway' }, event: { type, ...fields } as never }
}

/** As the sequencer does, but for tiles and checkpoints, which search needs not. */
async function intoLog(): Promise<void> {
  await owner.raw(
    `INSERT INTO audit_leaves (leaf, seq)
     SELECT (SELECT coalesce(max(leaf) + 1, 0) FROM audit_leaves) + row_number() OVER (ORDER BY seq) - 1, seq
       FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_leaves l WHERE l.seq = e.seq)`,
  )
}

const log = openLogger({ level: 'error' })
async function index(passes: number): Promise<void> {
  const indexing = openIndexing({ knex: gateway, clock, log, every: 3_600_000 })
  for (let i = 0; i < passes; i++) await indexing.pass()
  await indexing.stop()
}

/** Every page, until there is no more. */
async function allEvents(
  filter: EventFilter,
  limit: number,
  meanwhile?: () => Promise<void>,
  knex = gateway,
) {
  const ids: string[] = []
  let before: number | undefined
  for (let pages = 0; pages < 5_000; pages++) {
    const page = await searchEvents(knex, filter, { limit, before })
    expect(page.events.length).toBeLessThanOrEqual(limit)
    ids.push(...page.events.map(({ id }) => id))
    if (page.next === undefined) return ids
    before = page.next
    await meanwhile?.()
  }
  throw new Error('there is no end')
}

async function allDeliveries(filter: DeliveryFilter, limit: number, meanwhile?: () => Promise<void>) {
  const ids: string[] = []
  let after: Awaited<ReturnType<typeof searchDeliveries>>['next']
  for (let pages = 0; pages < 5_000; pages++) {
    const page = await searchDeliveries(gateway, filter, { limit, after })
    ids.push(...page.deliveries.map(({ id }) => id))
    if (page.next === undefined) return ids
    after = page.next
    await meanwhile?.()
  }
  throw new Error('there is no end')
}

/** The same, from the events themselves, without the index. */
async function expectedEvents(filter: EventFilter): Promise<string[]> {
  return (await loadEvents())(filter)
}

async function loadEvents(): Promise<(filter: EventFilter) => string[]> {
  const facts = new Map(
    (
      await owner('deliveries')
        .join('messages', 'messages.id', 'message_id')
        .select<Record<string, string>[]>('deliveries.*', 'application_id')
    ).map(row => [row['id'], row]),
  )
  const { rows } = await owner.raw<{ rows: { id: string; at: Date; body: string }[] }>(
    'SELECT e.id, e.at, e.body FROM audit_leaves l JOIN audit_events e USING (seq) ORDER BY l.leaf DESC',
  )
  return filter =>
    rows
      .filter(({ at, body }) => {
        const event = JSON.parse(body) as Record<string, unknown> & { actor: Record<string, string> }
        const parts =
          event['type'] === 'message.accepted'
            ? (event['deliveries'] as { delivery: string }[]).map(({ delivery }) => facts.get(delivery)!)
            : [facts.get(String(event['delivery']))].filter(row => row !== undefined)
        const says = (id: string) =>
          body.includes(`"${id}"`) ||
          parts.some(row =>
            [
              row['recipient_id'],
              row['application_id'],
              row['message_id'],
              row['certificate'],
              row['encryption_subkey'],
            ].includes(id),
          )
        return Object.entries(filter).every(([name, value]: [string, unknown]) => {
          if (name === 'from') return at >= (value as Date)
          if (name === 'until') return at < (value as Date)
          if (name === 'by') return event.actor['kind'] === value
          if (name === 'address') return event.actor['address'] === value
          if (name === 'domain') return parts.some(row => row['address']!.endsWith(`@${String(value)}`))
          if (['type', 'result', 'outcome', 'code'].includes(name)) return event[name] === value
          return says(String(value))
        })
      })
      .map(({ id }) => id)
}

async function expectedDeliveries(filter: DeliveryFilter): Promise<string[]> {
  return (await loadDeliveries())(filter)
}

async function loadDeliveries(): Promise<(filter: DeliveryFilter) => string[]> {
  const { rows } = await owner.raw<{ rows: (Record<string, unknown> & { id: string })[] }>(
    `SELECT d.*, m.application_id, array(SELECT outcome FROM attempts a WHERE a.delivery_id = d.id) AS met
       FROM deliveries d JOIN messages m ON m.id = d.message_id ORDER BY m.accepted_at DESC, d.position`,
  )
  return filter =>
    rows
      .filter(row =>
        Object.entries(filter).every(([name, value]: [string, unknown]) => {
          if (name === 'from') return (row['accepted_at'] as Date) >= (value as Date)
          if (name === 'until') return (row['accepted_at'] as Date) < (value as Date)
          if (name === 'recipient') return row['recipient_id'] === value
          if (name === 'application') return row['application_id'] === value
          if (name === 'key') return row['certificate'] === value || row['encryption_subkey'] === value
          if (name === 'domain') return String(row['address']).endsWith(`@${String(value)}`)
          if (name === 'outcome')
            return row['outcome'] === value || (row['met'] as string[]).includes(String(value))
          return row['state'] === value
        }),
      )
      .map(({ id }) => id)
}

const eventFilters = (): readonly EventFilter[] => [
  {},
  { type: 'message.accepted' },
  { type: 'custody.unsealed' },
  { result: 'failure', by: 'gateway' },
  { result: 'failure', type: 'message.accepted' },
  { recipient: recipients[3]! },
  { recipient: recipients[0]!, type: 'delivery.delivered' },
  { application: applications[3] as never, recipient: recipients[1]! },
  { key: key(3) },
  { key: key(1).replaceAll('E', 'C'), outcome: 'timeout' },
  { domain: 'org1.test', result: 'failure' },
  { address: '10.0.0.3', code: 'sealed' },
  { from: new Date(start + 1_000_000), until: new Date(start + 2_000_000) },
  { from: new Date(start + 1_000_000), until: new Date(start + 1_500_000), type: 'request.refused' },
  { until: new Date(start) },
  { delivery: waiting[0]!.id },
  { message: waiting[0]!.message },
]
const deliveryFilters = (): readonly DeliveryFilter[] => [
  {},
  { state: 'queued' },
  { state: 'delivered', recipient: recipients[2]! },
  { state: 'failed' },
  { state: 'failed', application: applications[3] as never },
  { state: 'quarantined' },
  { recipient: recipients[3]! },
  { application: applications[1] as never, key: key(2) },
  { key: key(0), domain: 'org1.test' },
  { domain: 'org1.test', state: 'queued' },
  { outcome: 'greylisted' },
  { outcome: 'greylisted', state: 'delivered' },
  { outcome: 'starttls_injection' },
  { from: new Date(start + 1_000_000), until: new Date(start + 1_800_000) },
  { from: new Date(start + 1_000_000), until: new Date(start + 1_800_000), state: 'failed' },
]

// Whole blocks are in the index, a piece at the end never is.
describe.each([
  ['none of it', () => Promise.resolve()],
  ['a part of it', () => index(1).then(() => fill(40))],
  ['all that can be', () => index(2)],
] satisfies [string, () => Promise<void>][])('with %s in the index', (_name, prepare) => {
  beforeAll(() => prepare())

  test('events are found that fit, and no others, in the order of the log', async () => {
    const expected = await loadEvents()
    for (const filter of eventFilters()) {
      expect([filter, await allEvents(filter, 170)]).toEqual([filter, expected(filter)])
    }
  })

  test('deliveries are found that fit, and no others, in the order of their acceptance', async () => {
    const expected = await loadDeliveries()
    for (const filter of deliveryFilters()) {
      expect([filter, await allDeliveries(filter, 61)]).toEqual([filter, expected(filter)])
    }
  })

  test('going on gives nothing twice and leaves nothing out, whatever comes in and is indexed meanwhile', async () => {
    const filter = { recipient: recipients[0]! }
    let rounds = 0
    const more = async (): Promise<void> => {
      if (rounds++ < 2) await fill(40)
      if (rounds === 2) await index(1)
    }
    const events = await expectedEvents(filter)
    expect(await allEvents(filter, 50, more)).toEqual(events)
    rounds = 0
    const deliveries = await expectedDeliveries(filter)
    expect(await allDeliveries(filter, 20, more)).toEqual(deliveries)
  })
})

test('what ends later is found by it, wherever the message was accepted', async () => {
  await index(9)
  const first = waiting[0]!
  await owner.transaction(async trx => appendEvents(trx, clock, [await tried(trx, first, 'failed', 2)]))
  await intoLog()
  const failed = await allDeliveries({ state: 'failed' }, 50)
  expect(failed).toContain(first.id)
  expect(failed).toEqual(await expectedDeliveries({ state: 'failed' }))
  await fill(60)
  await index(9)
  expect(await allDeliveries({ state: 'failed' }, 50)).toEqual(await expectedDeliveries({ state: 'failed' }))
})

test('the auditor’s role reads by the index, and writes none of it; nobody rewrites what stands', async () => {
  const filter = { recipient: recipients[3]! }
  expect(await allEvents(filter, 50, undefined, auditor)).toEqual(await expectedEvents(filter))
  const refused = /42501|did not answer/
  await expect(
    auditor('audit_subjects').insert({ subject: 'x', block: 0, source: 0, leaves: Buffer.alloc(2) }),
  ).rejects.toThrow(refused)
  await expect(gateway('audit_subjects').where({ block: 0 }).delete()).rejects.toThrow(refused)
  await expect(gateway('audit_subjects').update({ leaves: Buffer.alloc(2) })).rejects.toThrow(refused)
})

test('a file ends when nobody takes it any more; how much left is on record', async () => {
  await owner.raw(
    `INSERT INTO audit_checkpoints (size, root, note, xact, at)
     SELECT max(leaf) + 1, decode(repeat('00', 32), 'hex'), 'x', '1', now() FROM audit_leaves`,
  )
  const reader = { knex: gateway, clock, actor: { kind: 'host' } } as const
  const ended = async () => {
    const body = await owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('body')
    return JSON.parse(body[0]!) as Record<string, unknown>
  }
  const filter = { type: 'request.refused' as const }
  const file = (await exportEvents(reader, {}, 'jsonl'))[Symbol.asyncIterator]()
  await file.next()
  await file.return?.()
  expect(await ended()).toMatchObject({ type: 'search.export.ended', count: 500, complete: false })
  let lines = 0
  for await (const some of await exportEvents(reader, filter, 'csv')) lines += some.split('\r\n').length - 1
  const { length } = await expectedEvents(filter)
  expect(lines).toBe(length + 1)
  expect(await ended()).toMatchObject({ type: 'search.export.ended', count: length, complete: true })
})

test('two that follow the log at once take each block once', async () => {
  await fill(160)
  const followers = [gateway, gateway].map(knex => openIndexing({ knex, clock, log, every: 3_600_000 }))
  await Promise.all(followers.map(follower => follower.stop()))
  const taken = await Promise.all([...followers, ...followers].map(follower => follower.pass()))
  const rest = await followers[0]!.pass()
  const [{ blocks, next }] = (
    await owner.raw<{ rows: [{ blocks: number; next: string }] }>(
      `SELECT (SELECT count(*)::int FROM audit_blocks) AS blocks, (SELECT next_leaf FROM audit_followers WHERE name = 'subjects') AS next`,
    )
  ).rows
  expect(blocks * 512).toBe(Number(next))
  expect(taken.reduce((sum, count) => sum + count, 0) + rest).toBeGreaterThanOrEqual(0)
  const filter = { type: 'request.refused' as const }
  expect(await allEvents(filter, 200)).toEqual(await expectedEvents(filter))
})
