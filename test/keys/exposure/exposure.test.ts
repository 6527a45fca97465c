import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/kernel/index.ts'
import { type ExposedDelivery, exposureCsv, exposureJson, exposureOf } from '../../../src/keys/index.ts'
import { type Accepted, openPost, type Post } from '../../support/post.ts'

const actor = { kind: 'host' } as const
const tls = {
  rule: 'pinned',
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  group: 'X25519MLKEM768',
  certificateSha256: 'ab'.repeat(32),
} as const
let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())

let key = ''
let accepted: readonly Accepted[] = []
let other: Accepted

async function attempt(delivery: string, number: number, outcome: string, host: string, proved: boolean) {
  await post.owner('attempts').insert({
    delivery_id: delivery,
    number,
    started_at: new Date(),
    finished_at: new Date(),
    outcome,
    host,
    tls: proved ? JSON.stringify(tls) : null,
  })
}

beforeAll(async () => {
  const addresses = Array.from({ length: 7 }, (_, i) => (i === 0 ? '=cmd@bank.test' : `e${i}@bank.test`))
  accepted = await post.accept(...addresses)
  other = await post.acceptOne('other@bank.test')
  key = accepted[0]!.certificate
  for (const [i, { delivery }] of accepted.entries()) {
    const at = new Date(Date.UTC(2026, 0, 1 + i))
    await post
      .owner('deliveries')
      .where({ id: delivery })
      .update({ certificate: key, encryption_subkey: key, accepted_at: at })
  }
  const [delivered, failed] = [accepted[1]!.delivery, accepted[2]!.delivery]
  const settled = { settled_at: new Date(Date.UTC(2026, 1, 1)), attempts: 2 }
  await post
    .owner('deliveries')
    .where({ id: delivered })
    .update({ ...settled, state: 'delivered', outcome: 'delivered' })
  await post
    .owner('deliveries')
    .where({ id: failed })
    .update({ ...settled, state: 'failed', outcome: 'gave_up' })
  await attempt(delivered, 1, 'server_busy', 'mx1.test', true)
  await attempt(delivered, 2, 'delivered', 'mx2.test', true)
  await attempt(failed, 1, 'timeout', 'mx1.test', true)
  await attempt(failed, 2, 'connect_failed', 'mx2.test', false)
})

async function rowsOf(since?: Date): Promise<ExposedDelivery[]> {
  const exposure = await exposureOf(post.gateway, systemClock, actor, key, since)
  const rows = await Array.fromAsync(exposure.rows)
  expect(rows).toHaveLength(exposure.deliveries)
  return rows
}

test('lists every delivery that was accepted for the key, sent or not, and none for another', async () => {
  const rows = await rowsOf()
  expect(rows.map(({ delivery }) => delivery)).toEqual(accepted.map(({ delivery }) => delivery))
  expect(rows.map(({ delivery }) => delivery)).not.toContain(other.delivery)
  expect(rows[0]).toMatchObject({ state: 'queued', outcome: null, settledAt: null, host: null, tls: null })
})

test('says to which server it went, and how that one had proved itself', async () => {
  const rows = await rowsOf()
  expect(rows[1]).toMatchObject({
    message: accepted[1]!.message,
    address: 'e1@bank.test',
    state: 'delivered',
    settledAt: new Date(Date.UTC(2026, 1, 1)),
    host: 'mx2.test',
    tls,
  })
  // It may have left us with the attempt that reached a server, although a later one did not.
  expect(rows[2]).toMatchObject({ state: 'failed', outcome: 'gave_up', host: 'mx1.test' })
})

test('can begin at a time', async () => {
  const rows = await rowsOf(new Date(Date.UTC(2026, 0, 4)))
  expect(rows.map(({ address }) => address)).toEqual([
    'e3@bank.test',
    'e4@bank.test',
    'e5@bank.test',
    'e6@bank.test',
  ])
})

test('is audited before anything is told; when that fails, nothing is', async () => {
  await rowsOf()
  const bodies = await post
    .owner('audit_events')
    .where({ type: 'exposure.reported' })
    .orderBy('seq')
    .pluck<string[]>('body')
  expect(JSON.parse(bodies.at(-1) ?? '')).toMatchObject({
    actor,
    certificate: key,
    deliveries: 7,
  })
  await post.owner.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
  await expect(rowsOf()).rejects.toThrow()
  await post.owner.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
})

test('of a key that nobody has is not found', async () => {
  const exposure = exposureOf(post.gateway, systemClock, actor, 'F'.repeat(40))
  await expect(exposure).rejects.toMatchObject({ code: 'not_found' })
})

test('reads many, of one instant even, page by page, each once', async () => {
  const many = await post.accept(...Array.from({ length: 1203 }, (_, i) => `m${i}@bank.test`))
  const mine = many[0]!.certificate
  await post
    .owner('deliveries')
    .whereIn(
      'id',
      many.map(({ delivery }) => delivery),
    )
    .update({ certificate: mine, encryption_subkey: mine, accepted_at: new Date(Date.UTC(2026, 2, 1)) })
  const exposure = await exposureOf(post.gateway, systemClock, actor, mine)
  const rows = await Array.fromAsync(exposure.rows)
  expect(exposure.deliveries).toBe(1203)
  expect(new Set(rows.map(({ delivery }) => delivery)).size).toBe(1203)
})

describe('as a file', () => {
  test('CSV: one line each, and an address that is a formula is text', async () => {
    const exposure = await exposureOf(post.gateway, systemClock, actor, key)
    const lines = await Array.fromAsync(exposureCsv(exposure))
    expect(lines).toHaveLength(8)
    expect(lines.every(line => line.endsWith('"\r\n') && line.indexOf('\r') === line.length - 2)).toBe(true)
    expect(lines[1]).toContain(`"'=cmd@bank.test"`)
    expect(lines[2]).toContain('"delivered"')
    const cells = (line: string) => line.trim().slice(1, -1).split('","')
    expect(new Set(lines.map(line => cells(line).length)).size).toBe(1)
    expect(cells(lines[2]!)[cells(lines[0]!).indexOf('host')]).toBe('mx2.test')
  })

  test('JSON: one document, also when there is nothing', async () => {
    const read = async (since?: Date) => {
      const exposure = await exposureOf(post.gateway, systemClock, actor, key, since)
      return JSON.parse((await Array.fromAsync(exposureJson(exposure))).join('')) as { rows: unknown[] }
    }
    expect(await read()).toMatchObject({ certificate: key, since: null, deliveries: 7 })
    expect((await read()).rows).toHaveLength(7)
    expect((await read(new Date(Date.UTC(2026, 5, 1)))).rows).toEqual([])
  })
})
