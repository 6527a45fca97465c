import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DeliveryId } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { openPost, type Post, pinnedTo, sender } from '../support/post.ts'
import { type Sink, startHostile, startLate, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

/** What the sink does with each mailbox; by default it takes everything. */
let onRcpt: (address: string) => Error | undefined
let post: Post
let sink: Sink
let count = 0
const address = (domain = 'bank.test'): string => `r${++count}@${domain}`

beforeAll(async () => {
  sink = await startSink(identity, {
    onRcptTo: (to, _session, done) => done(onRcpt(to.address)),
  })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
beforeEach(() => {
  onRcpt = () => undefined
  sink.mails.length = 0
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

interface Event {
  type: string
  delivery: string
  attempt: number
  outcome: string
}
const refusal = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code })
/** But for the purge of its ciphertext: see ciphertext-purged.test.ts. */
const events = async (delivery: DeliveryId): Promise<Event[]> => {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as Event)
    .filter(event => event.delivery === delivery && event.type !== 'ciphertext.purged')
}
const jobs = async (): Promise<number> => {
  const [row] = await post.owner('pgboss.job_common').where({ name: 'deliver' }).count<{ count: string }[]>()
  return Number(row?.count)
}

describe('a delivery', () => {
  test('is made once and recorded with how its server proved itself; its ciphertext and its job are gone', async () => {
    const to = address()
    const accepted = await post.acceptOne(to)
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ state }) => state === 'delivered')
    await courier.stop()

    expect(status).toMatchObject({
      outcome: 'delivered',
      recipient: to,
      attempts: [
        {
          number: 1,
          outcome: 'delivered',
          host: 'mx.test',
          address: '127.0.0.1',
          port: sink.port,
          replyCode: 250,
          reply: expect.stringMatching(/^250 /) as string,
          tls: { rule: 'pinned', version: 'TLSv1.3', group: 'X25519MLKEM768' },
        },
      ],
    })
    expect(sink.mails).toMatchObject([{ from: sender, to: [to] }])
    expect(sink.mails[0]?.bytes.toString('latin1')).toContain(
      accepted.ciphertext.toString('base64').slice(0, 64),
    )
    expect(await events(accepted.delivery)).toMatchObject([
      { type: 'delivery.delivered', attempt: 1, outcome: 'delivered', host: 'mx.test', replyCode: 250 },
    ])
    const row: unknown = await post.owner('deliveries').where({ id: accepted.delivery }).first()
    expect(row).toMatchObject({ ciphertext: null, next_attempt_at: null, attempts: 1 })
    expect(await jobs()).toBe(0)
  })

  test('that is refused for now is made again, later, with the same bytes and Message-ID', async () => {
    const seen: string[] = []
    let refusals = 2
    onRcpt = () => (refusals-- > 0 ? refusal(451, '4.3.0 try later') : undefined)
    const accepted = await post.acceptOne(address())
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ state }) => state === 'delivered')
    await courier.stop()
    seen.push(...sink.mails.map(({ bytes }) => bytes.toString('latin1')))

    expect(status.attempts.map(({ number, outcome, replyCode }) => [number, outcome, replyCode])).toEqual([
      [1, 'server_busy', 451],
      [2, 'server_busy', 451],
      [3, 'delivered', 250],
    ])
    expect(seen).toHaveLength(1)
    expect((await events(accepted.delivery)).map(({ type }) => type)).toEqual([
      'delivery.deferred',
      'delivery.deferred',
      'delivery.delivered',
    ])
    const [first = 0, second = 0, third = 0] = status.attempts.map(({ startedAt }) => startedAt.getTime())
    expect(second - first).toBeGreaterThanOrEqual(90)
    expect(third - second).toBeGreaterThanOrEqual(180)
  })

  test('that is refused for good fails by name; the words of the server are kept without card numbers', async () => {
    onRcpt = () => refusal(550, '5.1.1 no such user 4111 1111 1111 1111 \u0007here')
    const accepted = await post.acceptOne(address())
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ state }) => state === 'failed')
    await courier.stop()
    expect(status).toMatchObject({ outcome: 'mailbox_unknown', attempts: [{ number: 1, replyCode: 550 }] })
    expect(status.attempts[0]?.reply).toContain('[pan]')
    expect(await events(accepted.delivery)).toMatchObject([
      { type: 'delivery.failed', outcome: 'mailbox_unknown' },
    ])
    expect(await jobs()).toBe(0)
    expect(post.logged()).not.toContain('4111')
  })

  test('is given up when its time is over, and says so', async () => {
    onRcpt = () => refusal(451, 'never')
    const accepted = await post.acceptOne(address())
    await post
      .owner('deliveries')
      .where({ id: accepted.delivery })
      .update({ give_up_at: new Date(Date.now() + 300) })
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ state }) => state === 'failed')
    await courier.stop()
    expect(status.outcome).toBe('gave_up')
    expect(status.attempts[0]?.outcome).toBe('server_busy')
    expect((await events(accepted.delivery)).at(-1)).toMatchObject({
      type: 'delivery.failed',
      outcome: 'gave_up',
    })
    expect(await jobs()).toBe(0)
  })

  test('to a domain without a rule waits', async () => {
    const accepted = await post.acceptOne(address('unruled.test'))
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ attempts }) => attempts.length > 0)
    await courier.stop()
    expect(status).toMatchObject({ state: 'queued', outcome: 'destination_missing' })
    expect(status.nextAttemptAt).toBeInstanceOf(Date)
    await post
      .owner('deliveries')
      .where({ id: accepted.delivery })
      .update({ give_up_at: new Date(0) })
  })

  test('whose stored bytes do not pass the outbound gate is not sent', async () => {
    const accepted = await post.acceptOne(address())
    const courier = post.startCourier({
      admit: () => {
        throw new Error('refused')
      },
    })
    const status = await post.until(accepted.message, ({ state }) => state === 'failed')
    await courier.stop()
    expect(status.outcome).toBe('outbound_gate_refused')
    expect(sink.mails).toEqual([])
  })
})

describe('what was revoked while it waited is not sent:', () => {
  const revocations: Record<string, (recipient: string, certificate: string) => Promise<unknown>> = {
    certificate_revoked: (_recipient, fingerprint) =>
      post.owner('certificates').where({ fingerprint }).update({ state: 'revoked', revoked_at: new Date() }),
    certificate_expired: (_recipient, fingerprint) =>
      post
        .owner('certificates')
        .where({ fingerprint })
        .update({ expires_at: new Date(0) }),
    recipient_not_active: id =>
      post.owner('recipients').where({ id }).update({ state: 'suspended', suspended_for: 'operator' }),
  }
  test.each(Object.entries(revocations))('%s', async (outcome, revoke) => {
    const accepted = await post.acceptOne(address())
    await revoke(accepted.recipient, accepted.certificate)
    const courier = post.startCourier()
    const status = await post.until(accepted.message, ({ state }) => state === 'failed')
    await courier.stop()
    expect(status.outcome).toBe(outcome)
    expect(sink.mails).toEqual([])
    expect(await events(accepted.delivery)).toMatchObject([{ type: 'delivery.failed', outcome }])
  })

  test('nor when it is revoked after the courier took it, before MAIL FROM', async () => {
    const server = await startLate(identity)
    await post.route('late.test', pinnedTo(authority.certificate, server.port, 'implicit'))
    const accepted = await post.acceptOne(address('late.test'))
    const courier = post.startCourier()
    await server.connected
    await post
      .owner('certificates')
      .where({ fingerprint: accepted.certificate })
      .update({ state: 'revoked', revoked_at: new Date() })
    server.greet()
    const status = await post.until(accepted.message, ({ state }) => state === 'failed')
    await courier.stop()
    await server.stop()
    expect(status.outcome).toBe('certificate_revoked')
    expect(server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
  })
})

describe('couriers', () => {
  test('use few connections for many messages, and two of them send each once', async () => {
    const before = sink.connections
    const accepted = await post.accept(...Array.from({ length: 120 }, () => address()))
    const couriers = [post.startCourier(), post.startCourier()]
    for (const { message } of accepted) await post.until(message, ({ state }) => state === 'delivered')
    for (const courier of couriers) await courier.stop()
    expect(sink.mails).toHaveLength(120)
    expect(new Set(sink.mails.flatMap(({ to }) => to)).size).toBe(120)
    expect(sink.connections - before).toBeLessThanOrEqual(32)
  })

  test('are not held up by a destination that hangs', async () => {
    const tarpit = await startHostile(identity, () => new Promise(() => undefined))
    await post.route('tarpit.test', pinnedTo(authority.certificate, tarpit.port))
    const stuck = await post.accept(...Array.from({ length: 300 }, () => address('tarpit.test')))
    const quick = await post.acceptOne(address())
    const courier = post.startCourier({
      policy: {
        held: 64,
        limits: { connect: 60_000, reply: 60_000, opening: 60_000, transaction: 60_000, bytesPerSecond: 1 },
      },
    })
    const begin = performance.now()
    await post.until(quick.message, ({ state }) => state === 'delivered')
    expect(performance.now() - begin).toBeLessThan(3000)
    await courier.stop(100)
    await tarpit.stop()
    await post
      .owner('deliveries')
      .whereIn(
        'id',
        stuck.map(({ delivery }) => delivery),
      )
      .update({ state: 'failed' })
  })

  test('that stop hand back what waits at once', async () => {
    onRcpt = () => undefined
    const slow = await startSink(identity, {
      onData: (stream, _session, done) => {
        stream.resume()
        stream.on('end', () => setTimeout(() => done(), 300))
      },
    })
    await post.route('slow.test', pinnedTo(authority.certificate, slow.port))
    const one = await post.acceptOne(address('slow.test'))
    const accepted = [one, ...(await post.accept(...Array.from({ length: 59 }, () => address('slow.test'))))]
    const first = post.startCourier({ policy: { connectionsPerDestination: 2 } })
    await post.until(one.message, ({ state }) => state !== 'queued')
    const begin = performance.now()
    await first.stop(5000)
    expect(performance.now() - begin).toBeLessThan(2000)
    const sending = await post.owner('deliveries').where({ state: 'sending' }).pluck<string[]>('id')
    expect(sending).toEqual([])

    await post.route('slow.test', pinnedTo(authority.certificate, sink.port))
    const second = post.startCourier()
    for (const { message } of accepted) await post.until(message, ({ state }) => state === 'delivered')
    await second.stop()
    await slow.stop()
  })

  test('that stop while they look for the way hand back what they had in hand', async () => {
    const asked = Promise.withResolvers<undefined>()
    const answer = Promise.withResolvers<undefined>()
    const first = post.startCourier({
      async findRoute() {
        asked.resolve(undefined)
        await answer.promise
        const host = { name: 'mx.test', port: sink.port, tls: 'starttls' } as const
        const proof = { level: 'pinned', pins: { ca: authority.certificate } } as const
        const candidates = [{ host, addresses: ['127.0.0.1'], proof }] as const
        return { ok: true, asked: 'pinned', requireTls: undefined, limits: undefined, candidates }
      },
    })
    const { message, delivery } = await post.acceptOne(address())
    await asked.promise
    const stopped = first.stop(5000)
    await new Promise(resolve => setTimeout(resolve, 50))
    answer.resolve(undefined)
    await stopped
    const jobs = post.owner('pgboss.job').whereRaw(`data->>'delivery' = ?`, [delivery])
    expect(await jobs.pluck<string[]>('state')).toEqual(['created'])
    const second = post.startCourier()
    await post.until(message, ({ state }) => state === 'delivered')
    await second.stop()
  })
})
