import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import PostalMime from 'postal-mime'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Address, type Ciphertext, type NoticeId, systemClock } from '../../src/kernel/index.ts'
import {
  claimNotices,
  type Notice,
  outerOf,
  queueSealedNotice,
  settleNotice,
  stillClaimed,
  withdrawNotices,
} from '../../src/notices/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { eventually } from '../support/locks.ts'
import {
  examples,
  hastyNotices,
  insertOperator,
  insertRecipientAt,
  inviteTo,
  noticeEvents,
  noticeRow,
  noticeSender,
  operatorKinds,
  queue,
  startNotices,
} from '../support/notices.ts'
import { openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startHostile, startLate, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

let post: Post
let sink: Sink
/** Runs when a mail has arrived; its error is the server's answer. */
let answer: () => Promise<Error | undefined>
let couriers: { stop(deadline?: number): Promise<void> }[]

beforeAll(async () => {
  sink = await startSink(identity, {
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        sink.mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          bytes: Buffer.concat(chunks),
          connection: session.id,
        })
        void answer().then(error => done(error))
      })
    },
  })
  post = await openPost()
})
beforeEach(async () => {
  answer = () => Promise.resolve(undefined)
  couriers = []
  sink.mails.length = 0
  for (const domain of ['bank.test', 'acme.test']) {
    await post.route(domain, pinnedTo(authority.certificate, sink.port))
  }
})
afterEach(async () => {
  for (const courier of couriers) await courier.stop(500)
  await post.owner('notices').where({ state: 'queued' }).update({
    state: 'failed',
    settled_at: new Date(),
    next_attempt_at: null,
    fields: null,
    ciphertext: null,
  })
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

const start: typeof startNotices = (...given) => {
  const courier = startNotices(...given)
  couriers.push(courier)
  return courier
}
const settled = async (id: NoticeId) => {
  await eventually('settled', async () => (await noticeRow(post, id)).state !== 'queued')
  return noticeRow(post, id)
}
const busy = (): Error => Object.assign(new Error('4.2.1 later'), { responseCode: 451 })
const leaseIsOver = (id: NoticeId): Promise<number> =>
  post
    .owner('notices')
    .where({ id })
    .update({ next_attempt_at: new Date(0) })

describe('a notice', () => {
  test.each(Object.keys(examples) as Notice['kind'][])(
    '%s goes out once, over TLS, and its fields are gone',
    async kind => {
      const address = (operatorKinds.includes(kind) ? 'op@acme.test' : `${kind}@bank.test`) as Address
      const to = operatorKinds.includes(kind)
        ? { operator: await insertOperator(post), address }
        : { recipient: await insertRecipientAt(post, address), address }
      const id = await queue(post, { kind, to, fields: examples[kind] } as Notice)
      start(post)
      expect(await settled(id)).toMatchObject({
        state: 'sent',
        outcome: 'delivered',
        attempts: 1,
        fields: null,
        ciphertext: null,
      })
      expect(sink.mails).toMatchObject([{ from: noticeSender.from, to: [address] }])
      const mail = await PostalMime.parse(sink.mails[0]?.bytes ?? '')
      expect(mail).toMatchObject({
        from: { address: noticeSender.from, name: noticeSender.organisation },
        to: [{ address }],
        messageId: `<${id}@${noticeSender.mailHost}>`,
      })
      expect(await noticeEvents(post, id)).toMatchObject([
        { type: 'notice.queued', kind },
        {
          type: 'notice.sent',
          attempt: 1,
          outcome: 'delivered',
          host: 'mx.test',
          tls: { rule: 'pinned', version: 'TLSv1.3' },
        },
      ])
    },
  )

  test('that is refused for now is sent again, the same bytes, whatever the settings are by then', async () => {
    let refusals = 2
    answer = () => Promise.resolve(refusals-- > 0 ? busy() : undefined)
    const { id } = await inviteTo(post)
    start(post)
    expect(await settled(id)).toMatchObject({ state: 'sent', attempts: 3 })
    const [first, second, third] = sink.mails.map(({ bytes }) => bytes.toString('latin1'))
    expect(first).toContain('/enrol/')
    expect([second, third]).toEqual([first, first])
    expect((await noticeEvents(post, id)).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['notice.queued', undefined],
      ['notice.deferred', 'mailbox_unavailable'],
      ['notice.deferred', 'mailbox_unavailable'],
      ['notice.sent', 'delivered'],
    ])
  })

  test('that is refused for good fails, and its link is gone', async () => {
    answer = () => Promise.resolve(Object.assign(new Error('5.7.1 no'), { responseCode: 550 }))
    const { id } = await inviteTo(post)
    start(post)
    expect(await settled(id)).toMatchObject({ state: 'failed', outcome: 'policy_rejected', fields: null })
    expect((await noticeEvents(post, id)).at(-1)).toMatchObject({ type: 'notice.failed', attempt: 1 })
  })

  test('is given up when its time is over', async () => {
    const { id } = await inviteTo(post, 'unruled.test')
    await post.owner('notices').where({ id }).update({ give_up_at: new Date() })
    start(post)
    expect(await settled(id)).toMatchObject({ state: 'failed', outcome: 'gave_up', fields: null })
  })

  test('to a domain without a rule waits, and others do not wait for it', async () => {
    const waiting = await inviteTo(post, 'unruled.test')
    const { id } = await inviteTo(post)
    start(post)
    await settled(id)
    await eventually('deferred', async () => (await noticeRow(post, waiting.id)).outcome !== null)
    expect(await noticeRow(post, waiting.id)).toMatchObject({
      state: 'queued',
      outcome: 'destination_missing',
    })
  })

  test('is not held up by a server that hangs', async () => {
    const tarpit = await startHostile(identity, () => new Promise(() => undefined))
    await post.route('tarpit.test', pinnedTo(authority.certificate, tarpit.port))
    for (let i = 0; i < 5; i++) await inviteTo(post, 'tarpit.test')
    const limits = { connect: 60_000, reply: 60_000, opening: 60_000, transaction: 60_000, bytesPerSecond: 1 }
    const courier = start(post, { policy: { limits, batch: 4 } })
    await eventually('connected', async () => {
      const [row] = await post.owner('notices').where({ state: 'queued' }).max<{ max: number }[]>('attempts')
      return (row?.max ?? 0) > 0
    })
    const { id } = await inviteTo(post)
    expect(await settled(id)).toMatchObject({ state: 'sent' })
    await tarpit.stop()
    await courier.stop(100)
  })
})

describe('a sealed challenge', () => {
  const challenge = async (): Promise<{ id: NoticeId; ciphertext: Buffer }> => {
    const address = `s${randomBytes(4).toString('hex')}@bank.test` as Address
    const recipient = await insertRecipientAt(post, address)
    const ciphertext = randomBytes(900)
    const outer = outerOf(noticeSender, address, systemClock)
    const id = await post.gateway.transaction(trx =>
      queueSealedNotice(trx, systemClock, noticeSender, {
        recipient,
        address,
        outer,
        ciphertext: ciphertext as unknown as Ciphertext,
        format: 'seipdv1',
        encryptionSubkey: 'AB'.repeat(20),
      }),
    )
    return { id, ciphertext }
  }

  test('goes out as PGP/MIME, and its ciphertext is gone afterwards', async () => {
    const { id, ciphertext } = await challenge()
    start(post)
    expect(await settled(id)).toMatchObject({ state: 'sent', ciphertext: null })
    const text = sink.mails[0]?.bytes.toString('latin1') ?? ''
    expect(text).toContain('multipart/encrypted')
    expect(text).toContain('Subject: [...]')
    expect(text).toContain(ciphertext.toString('base64').slice(0, 64))
  })

  test('that does not pass the outbound gate is not sent', async () => {
    const { id } = await challenge()
    start(post, {
      admit: () => {
        throw new Error('refused')
      },
    })
    expect(await settled(id)).toMatchObject({
      state: 'failed',
      outcome: 'outbound_gate_refused',
      ciphertext: null,
    })
    expect(sink.mails).toEqual([])
  })
})

describe('nothing is said of a notice to a server that did not prove itself:', () => {
  const secret = /MAIL FROM|RCPT TO|DATA|bank\.test|enrol|Acme/i

  test('one with a certificate of another authority', async () => {
    const other = await createAuthority({ commonName: 'Other CA', days: 1 })
    const liar = await startSink(await issueServerCertificate(other, { dnsNames: ['mx.test'], days: 1 }))
    await post.route('bank.test', pinnedTo(authority.certificate, liar.port))
    const { id } = await inviteTo(post)
    start(post)
    await eventually('tried', async () => (await noticeRow(post, id)).outcome !== null)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', outcome: 'tls_certificate_untrusted' })
    expect(liar.mails).toEqual([])
    expect((await noticeEvents(post, id))[1]).toMatchObject({ type: 'notice.deferred', tls: null })
    await liar.stop()
  })

  test('one that offers no STARTTLS', async () => {
    const stripped = await startHostile(identity, async client => {
      client.send('220 mx.test\r\n')
      while ((await client.line()) !== undefined) client.send('250 mx.test\r\n')
    })
    await post.route('bank.test', pinnedTo(authority.certificate, stripped.port))
    const { id } = await inviteTo(post)
    start(post)
    await eventually('tried', async () => (await noticeRow(post, id)).outcome !== null)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', outcome: 'tls_not_offered' })
    expect(stripped.clear()).not.toMatch(secret)
    await stripped.stop()
  })
})

describe('what the crypto policy asks of the server holds for a notice:', () => {
  const asks = (minTls: 'TLSv1.2' | 'TLSv1.3', floor: 'dane' | 'secure' = 'secure') => ({
    policyAt: () => Promise.resolve({ minTls, floor, revocation: 'when_known' } as const),
  })
  let old: Sink
  beforeAll(async () => {
    old = await startSink(identity, { maxVersion: 'TLSv1.2' })
  })
  beforeEach(async () => {
    old.mails.length = 0
    await post.route('bank.test', pinnedTo(authority.certificate, old.port))
  })
  afterAll(() => old.stop())

  const refused = async (id: NoticeId): Promise<void> => {
    await eventually('tried', async () => (await noticeRow(post, id)).outcome !== null)
  }

  test('TLS 1.3 at least: nothing goes to a server that has only 1.2, and it is tried again', async () => {
    const { id } = await inviteTo(post)
    const courier = start(post, asks('TLSv1.3'))
    await refused(id)
    await courier.stop()
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', outcome: 'tls_too_weak' })
    expect((await noticeEvents(post, id))[1]).toMatchObject({
      type: 'notice.deferred',
      outcome: 'tls_too_weak',
      host: 'mx.test',
      tls: { version: 'TLSv1.2' },
    })
    expect(old.mails).toEqual([])

    // The same notice, once its server has what is asked.
    await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
    start(post, asks('TLSv1.3'))
    expect(await settled(id)).toMatchObject({ state: 'sent' })
  })

  test('at least the level of its floor', async () => {
    const { id } = await inviteTo(post)
    start(post, asks('TLSv1.2', 'dane'))
    await refused(id)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', outcome: 'destination_below_floor' })
    expect(old.mails).toEqual([])
  })

  test('TLS 1.2 will do where the policy says so', async () => {
    const { id } = await inviteTo(post)
    start(post, asks('TLSv1.2'))
    expect(await settled(id)).toMatchObject({ state: 'sent' })
    expect(old.mails).toHaveLength(1)
  })

  test('without a policy in force it goes by the floor of every session', async () => {
    const { id } = await inviteTo(post)
    start(post)
    expect(await settled(id)).toMatchObject({ state: 'sent' })
    expect((await noticeEvents(post, id)).at(-1)).toMatchObject({ tls: { version: 'TLSv1.2' } })
  })
})

describe('couriers of notices', () => {
  test('two of them send each once', async () => {
    const invited = await Promise.all(Array.from({ length: 40 }, () => inviteTo(post)))
    start(post, { policy: { batch: 7 } })
    start(post, { policy: { batch: 7 } })
    for (const { id } of invited) await settled(id)
    const reached = sink.mails.flatMap(({ to }) => to)
    expect(reached.toSorted()).toEqual(invited.map(({ address }) => address).toSorted())
  })

  test('that ask at once are never given the same notice', async () => {
    await Promise.all(Array.from({ length: 30 }, () => inviteTo(post)))
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimNotices(post.gateway, 5, [])))
    const ids = claims.flat().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(await claimNotices(post.gateway, 100, ['bank.test'])).toEqual([])
  })

  test('one killed between the final dot and its record: another sends the same bytes again', async () => {
    answer = () => new Promise(() => undefined)
    const { id } = await inviteTo(post)
    const child = fork(new URL('../support/notice-courier-process.ts', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    child.send({ gateway: post.database.gateway, policy: hastyNotices })
    await eventually('arrived', () => sink.mails.length === 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', attempts: 1 })

    answer = () => Promise.resolve(undefined)
    start(post)
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(sink.mails).toHaveLength(1)
    await leaseIsOver(id)
    expect(await settled(id)).toMatchObject({ state: 'sent', attempts: 2 })
    expect(sink.mails).toHaveLength(2)
    expect(sink.mails[1]?.bytes.equals(sink.mails[0]?.bytes ?? Buffer.of())).toBe(true)
  })

  /** A courier that has a notice, and whose server has not greeted it yet. */
  const heldBeforeGreeting = async () => {
    const server = await startLate(identity)
    await post.route('bank.test', pinnedTo(authority.certificate, server.port, 'implicit'))
    const { id, address } = await inviteTo(post)
    const patient = { ...hastyNotices.limits, connect: 30_000, reply: 30_000, opening: 30_000 }
    const courier = start(post, { policy: { limits: patient } })
    await server.connected
    return { id, address, courier, server }
  }

  test('one whose lease ended before it sent does not send', async () => {
    const held = await heldBeforeGreeting()
    await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
    await leaseIsOver(held.id)
    start(post)
    expect(await settled(held.id)).toMatchObject({ state: 'sent', attempts: 2 })
    held.server.greet()
    await eventually('greeted', () => held.server.asked.length > 0)
    await held.courier.stop()
    expect(held.server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
    expect(sink.mails).toHaveLength(1)
    await held.server.stop()
  })

  test('do not send what was withdrawn after they took it', async () => {
    const held = await heldBeforeGreeting()
    const { recipient_id: recipient } = (await post.owner('notices').where({ id: held.id }).first()) as {
      recipient_id: Parameters<typeof withdrawNotices>[2]
    }
    const withdrawn = await post.gateway.transaction(trx => withdrawNotices(trx, systemClock, recipient))
    expect(withdrawn).toBe(1)
    held.server.greet()
    await eventually('greeted', () => held.server.asked.length > 0)
    await held.courier.stop()
    expect(held.server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
    expect(await noticeRow(post, held.id)).toMatchObject({
      state: 'failed',
      outcome: 'withdrawn',
      fields: null,
    })
    await held.server.stop()
  })

  test('one that comes back late with a success is believed, and nobody sends again', async () => {
    const { id } = await inviteTo(post)
    const [late] = await claimNotices(post.gateway, 1, [])
    await leaseIsOver(id)
    const [now] = await claimNotices(post.gateway, 1, [])
    if (late === undefined || now === undefined) throw new Error('not claimed')
    const result = { host: null, tls: null } as const
    await settleNotice(post.gateway, systemClock, {
      ...result,
      claimed: late,
      sent: false,
      outcome: 'timeout',
      retryMs: 0,
    })
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', attempts: 2, outcome: null })
    const sent = { ...result, claimed: late, sent: true, outcome: 'delivered', retryMs: undefined }
    await settleNotice(post.gateway, systemClock, sent)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'sent', fields: null })
    expect(await stillClaimed(post.gateway, now)).toBe(false)
  })

  test('what was withdrawn while a server took it is recorded as what it is: sent', async () => {
    const { id } = await inviteTo(post)
    const [claimed] = await claimNotices(post.gateway, 1, [])
    if (claimed?.recipient == null) throw new Error('not claimed')
    const { recipient } = claimed
    await post.gateway.transaction(trx => withdrawNotices(trx, systemClock, recipient))
    const result = { claimed, sent: true, outcome: 'delivered', retryMs: undefined, host: null, tls: null }
    await settleNotice(post.gateway, systemClock, result)
    // As when the answer to the first commit was lost.
    await settleNotice(post.gateway, systemClock, result)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'sent', outcome: 'delivered' })
    expect((await noticeEvents(post, id)).map(({ type }) => type)).toEqual([
      'notice.queued',
      'notice.failed',
      'notice.sent',
    ])
  })

  test('whose record cannot be written send nothing more; it is recorded once it can be', async () => {
    await post.owner.raw(`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.type = 'notice.sent' THEN RAISE EXCEPTION 'broken by the test'; END IF; RETURN NEW; END $$`)
    await post.owner.raw(
      'CREATE TRIGGER broken BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break()',
    )
    const already = post.logged().length
    const first = await inviteTo(post)
    let second: Awaited<ReturnType<typeof inviteTo>>
    try {
      start(post)
      await eventually('tried to record', () => post.logged().includes('notice-unrecorded', already))
      second = await inviteTo(post)
      await new Promise(resolve => setTimeout(resolve, 300))
      expect(sink.mails).toHaveLength(1)
      expect(await noticeRow(post, second.id)).toMatchObject({ attempts: 0 })
    } finally {
      await post.owner.raw('DROP TRIGGER broken ON audit_events')
      await post.owner.raw('DROP FUNCTION break()')
    }
    expect(await settled(first.id)).toMatchObject({ state: 'sent', attempts: 1 })
    await settled(second.id)
    expect(sink.mails).toHaveLength(2)
    expect((await noticeEvents(post, first.id)).filter(({ type }) => type === 'notice.sent')).toHaveLength(1)
  })

  test('that stop give back what they did not try', async () => {
    const slow = Promise.withResolvers<undefined>()
    answer = () => slow.promise
    const invited = [await inviteTo(post), await inviteTo(post), await inviteTo(post)]
    const courier = start(post, { policy: { poll: 10_000 } })
    await eventually('arrived', () => sink.mails.length === 1)
    const stopping = courier.stop(5000)
    slow.resolve(undefined)
    await stopping
    const rows = await Promise.all(invited.map(({ id }) => noticeRow(post, id)))
    expect(rows.map(({ state, attempts }) => `${state} ${attempts}`).toSorted()).toEqual([
      'queued 0',
      'queued 0',
      'sent 1',
    ])
    start(post)
    for (const { id } of invited) await settled(id)
    expect(sink.mails).toHaveLength(3)
  })
})
