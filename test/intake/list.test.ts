import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ListBounds, ListFilter, ListPoint } from '../../src/intake/list/list.ts'
import { listMessages } from '../../src/intake/list/list.ts'
import { overall } from '../../src/intake/overall.ts'
import {
  type Address,
  type ApplicationId,
  type MessageId,
  newId,
  systemClock,
} from '../../src/kernel/index.ts'
import { openPost, type Post } from '../support/post.ts'

interface Stored {
  readonly id: MessageId
  readonly application: ApplicationId
  readonly from: Address
  readonly reference: string | null
  readonly at: number
  readonly deliveries: readonly { readonly address: Address; readonly state: string }[]
}

const states = ['queued', 'sending', 'quarantined', 'delivered', 'failed'] as const
const addresses = ['a', 'b', 'c', 'd'].map(name => `${name}@bank.test` as Address)
const senders = ['one@payments.test' as Address, 'two@payments.test' as Address]
const references = ['first', 'second', null]
const start = Date.parse('2026-03-01T00:00:00Z')

let post: Post
let applications: readonly ApplicationId[] = []
let stored: readonly Stored[] = []

beforeAll(async () => {
  post = await openPost()
  applications = [newId('app', systemClock), newId('app', systemClock)]
  await post.owner('applications').insert(
    applications.map(id => ({
      id,
      name: id,
      san: id,
      senders: [...senders],
      created_at: systemClock.now(),
    })),
  )
  const enrolled = await post.accept(...addresses)
  // The same each time; several share a millisecond.
  const [sample = []] = fc.sample(
    fc.array(
      fc.record({
        application: fc.constantFrom(...applications),
        from: fc.constantFrom(...senders),
        reference: fc.constantFrom(...references),
        at: fc.integer({ min: 0, max: 60 }).map(n => start + n),
        deliveries: fc.uniqueArray(
          fc.record({
            address: fc.constantFrom(...addresses),
            state: fc.constantFrom(...states, 'delivered'),
          }),
          { minLength: 1, maxLength: 3, selector: ({ address }) => address },
        ),
      }),
      { minLength: 250, maxLength: 250 },
    ),
    { numRuns: 1, seed: 6 },
  )
  stored = sample.map(message => ({ ...message, id: newId('msg', systemClock) }))
  await post.owner('messages').insert(
    stored.map(({ id, application, from, reference, at }) => ({
      id,
      application_id: application,
      sender: from,
      reference,
      accepted_at: new Date(at),
    })),
  )
  await post.owner('deliveries').insert(
    stored.flatMap(({ id, at, deliveries }) =>
      deliveries.map(({ address, state }, position) => {
        const { recipient, certificate } = enrolled[addresses.indexOf(address)] ?? enrolled[0] ?? fail()
        const settled = state === 'delivered' || state === 'failed'
        return {
          id: newId('dlv', systemClock),
          message_id: id,
          position,
          recipient_id: recipient,
          address,
          certificate,
          encryption_subkey: certificate,
          format: 'seipdv1',
          outer_date: '',
          outer_message_id: '',
          ciphertext: settled ? null : randomBytes(1),
          ciphertext_sha256: '',
          ciphertext_bytes: 1,
          state,
          accepted_at: new Date(at),
          give_up_at: new Date(at),
          settled_at: settled ? new Date(at) : null,
        }
      }),
    ),
  )
})
afterAll(() => post.close())

function fail(): never {
  throw new Error('nobody is enrolled')
}

const mine = (): ApplicationId => applications[0] ?? fail()
/** No clock: a slow machine makes no page short. */
const roomy: ListBounds = { looked: 20_000, ms: Infinity, pieces: [100, 2000], named: 5000 }
const tight: ListBounds = { looked: 40, ms: Infinity, pieces: [5, 20], named: 10 }

/** All pages, one after the other. */
async function walk(filter: ListFilter, limit: number, bounds: ListBounds) {
  const pages: (readonly MessageId[])[] = []
  let after: ListPoint | undefined
  do {
    const page = await listMessages(post.gateway, mine(), filter, { limit, after }, bounds)
    pages.push(page.messages.map(({ id }) => id))
    after = page.next
  } while (after !== undefined && pages.length < 1000)
  return pages
}

function expected({ state, reference, recipient, from, since, until }: ListFilter): readonly MessageId[] {
  return stored
    .filter(message => message.application === mine())
    .filter(
      message =>
        (state === undefined || overall(message.deliveries as never) === state) &&
        (reference === undefined || message.reference === reference) &&
        (recipient === undefined || message.deliveries.some(({ address }) => address === recipient)) &&
        (from === undefined || message.from === from) &&
        (since === undefined || message.at >= since.getTime()) &&
        (until === undefined || message.at < until.getTime()),
    )
    .sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id)
}

const point = fc.integer({ min: -5, max: 65 }).map(n => new Date(start + n))
const filters = fc.record(
  {
    state: fc.constantFrom('queued', 'delivered', 'failed', 'partly_delivered'),
    reference: fc.constantFrom('first', 'second', 'third'),
    recipient: fc.constantFrom(...addresses, 'nobody@bank.test' as Address),
    from: fc.constantFrom(...senders),
    since: point,
    until: point,
  },
  { requiredKeys: [] },
)

describe('a list', () => {
  test('has just what fits, newest first, in pages of any length', async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 100 }), async (filter, limit) => {
        const pages = await walk(filter, limit, roomy)
        expect(pages.flat()).toEqual(expected(filter))
        expect(Math.max(...pages.map(page => page.length))).toBeLessThanOrEqual(limit)
        // With room to look around, only the last page is short.
        expect(pages.slice(0, -1).filter(page => page.length < limit)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('has it, too, when a page may look at a few messages only: pages are short, and go on', async () => {
    let short = 0
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 30 }), async (filter, limit) => {
        const pages = await walk(filter, limit, tight)
        expect(pages.flat()).toEqual(expected(filter))
        short += pages.slice(0, -1).filter(page => page.length < limit).length
      }),
      { numRuns: 60 },
    )
    expect(short).toBeGreaterThan(0)
  })

  test('gives nothing twice and leaves nothing out while more is accepted', async () => {
    const before = expected({})
    const { messages, next } = await listMessages(post.gateway, mine(), {}, { limit: 10 })
    const later = newId('msg', systemClock)
    await post.owner('messages').insert({
      id: later,
      application_id: mine(),
      sender: senders[0],
      accepted_at: new Date(start + 1000),
    })
    const rest = await listMessages(post.gateway, mine(), {}, { limit: 100, after: next })
    await post.owner('messages').where({ id: later }).delete()
    const ids = [...messages, ...rest.messages].map(({ id }) => id)
    expect(ids).toEqual(before.slice(0, ids.length))
  })

  test('tells of each message what became of it', async () => {
    const page = await listMessages(post.gateway, mine(), {}, { limit: 100 })
    for (const { id, state, deliveries, from, reference } of page.messages) {
      const message = stored.find(one => one.id === id) ?? fail()
      expect({ state, from, reference }).toEqual({
        state: overall(message.deliveries as never),
        from: message.from,
        reference: message.reference,
      })
      expect(deliveries.map(({ recipient }) => recipient)).toEqual(
        message.deliveries.map(({ address }) => address),
      )
    }
  })
})
