import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { recomputeHash } from '../../src/audit/index.ts'
import { latestCheckpoint, openStream, openSyslogAnchor, type Siem } from '../../src/audit-log/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { openLogger } from '../../src/platform/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { openSyslog, type SyslogReceiver, syslogFailureOf } from '../../src/platform/syslog/index.ts'
import { appendSome, openTestLog, origin, type TestLog } from '../audit-log/sequencer/support.ts'
import { canariesIn, canaryPan, canaryWords } from '../support/canary.ts'
import { openGround, sender } from '../support/serve.ts'
import { startSink } from '../support/smtp-sink.ts'
import { type ReadMessage, readMessage } from '../support/syslog-receiver.ts'
import { recordWire } from '../support/wire.ts'
import { type Rsyslog, startRsyslog } from './rsyslog.ts'

let siemCa: Identity
let sendersCa: Identity
let mine: Identity
let server: Identity
let log: TestLog
let rsyslog: Rsyslog
beforeAll(async () => {
  siemCa = await createAuthority({ commonName: 'SIEM CA', days: 1 })
  sendersCa = await createAuthority({ commonName: 'Senders CA', days: 1 })
  mine = await issueClientCertificate(sendersCa, { dns: 'gateway.test', days: 1 })
  server = await issueServerCertificate(siemCa, { dnsNames: ['localhost'], days: 1 })
})
beforeEach(async () => {
  const opened = new AsyncDisposableStack()
  log = opened.adopt(await openTestLog(), used => used.close())
  rsyslog = opened.use(await startRsyslog({ server, sendersCa: sendersCa.certificate }))
  return () => opened.disposeAsync()
})

const known = (changes: Partial<SyslogReceiver> = {}): SyslogReceiver => ({
  host: 'localhost',
  port: rsyslog.port,
  ca: siemCa.certificate,
  identity: mine,
  ...changes,
})
const siem = (): Siem => ({ receiver: () => known(), hostname: 'gateway.test', origin })

function stream(every = 10 ** 9) {
  const alarms = { raise: () => undefined, clear: () => undefined }
  const quiet = openLogger({ level: 'error', destination: { write: () => true } })
  return openStream({ knex: log.gateway, clock: systemClock, log: quiet, alarms, siem: siem(), every })
}

async function appendMany(knex: TestLog['owner'], count: number): Promise<void> {
  for (let done = 0; done < count; done += 3_000) {
    await knex.transaction(trx => appendSome(trx, Math.min(3_000, count - done)))
  }
}

const received = async (): Promise<ReadMessage[]> => (await rsyslog.messages()).map(readMessage)
const leaves = (messages: readonly ReadMessage[]) =>
  messages.filter(({ id }) => id !== 'checkpoint').map(({ data }) => Number(data['leaf']))

/** Every leaf of the log is there, under its hash, though perhaps more than once. */
async function expectEverything(knex: TestLog['owner'], messages: readonly ReadMessage[]): Promise<void> {
  const rows = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .orderBy('l.leaf')
    .select<{ leaf: string; hash: Buffer }[]>('l.leaf', 'e.hash')
  const byLeaf = new Map<number, Set<string>>()
  for (const { id, data, text } of messages) {
    if (id === 'checkpoint') continue
    const leaf = Number(data['leaf'])
    byLeaf.set(leaf, (byLeaf.get(leaf) ?? new Set()).add(recomputeHash(text).toString('hex')))
  }
  const wrong = rows.filter(({ leaf, hash }) => {
    const hashes = [...(byLeaf.get(Number(leaf)) ?? [])]
    return hashes.length !== 1 || hashes[0] !== hash.toString('hex')
  })
  expect(rows.length).toBeGreaterThan(0)
  expect(wrong).toEqual([])
}

test('every event is in what rsyslog wrote, once, in order, with the hash of its leaf; and the checkpoint', async () => {
  await log.append(3_000)
  const sequencer = log.sequencer()
  const one = stream()
  do await log.settled(sequencer)
  while ((await one.pass()) > 0)
  await one.stop()
  const messages = await received()
  expect(leaves(messages)).toEqual(Array.from({ length: 3_001 }, (_, leaf) => leaf))
  await expectEverything(log.owner, messages)

  const checkpoint = await latestCheckpoint(log.gateway)
  if (checkpoint === undefined) throw new Error('there is none')
  await openSyslogAnchor(siem()).anchor(checkpoint, () => Promise.reject(new Error('not asked for')))
  const last = (await received()).at(-1)
  expect(last?.id).toBe('checkpoint')
  expect(JSON.parse(last?.text ?? '')).toEqual({ checkpoint: checkpoint.note })
})

test('rsyslog killed again and again in the middle: nothing is missing, some of it is there twice', async () => {
  await appendMany(log.gateway, 12_000)
  const sequencer = log.sequencer()
  await log.settled(sequencer)
  const one = stream(20)
  let before = 0
  for (let kills = 0; kills < 4; kills++) {
    await expect
      .poll(async () => (await rsyslog.messages()).length, { timeout: 60_000, interval: 20 })
      .toBeGreaterThan(before)
    await rsyslog.kill()
    before = (await rsyslog.messages()).length
    await rsyslog.restart()
  }
  await expect
    .poll(async () => Math.max(...leaves(await received())), { timeout: 90_000, interval: 200 })
    .toBe(11_999)
  await one.stop()
  await log.settled(sequencer)
  const last = stream()
  do await log.settled(sequencer)
  while ((await last.pass()) > 0)
  await last.stop()
  await expectEverything(log.owner, await received())
})

describe('who is not the right receiver, or not the right sender', () => {
  async function tryOut(to: SyslogReceiver): Promise<{ failure: string; sent: Buffer }> {
    const wire = await recordWire(to.port)
    try {
      const connection = await openSyslog({ ...to, port: wire.port }, { deadline: 10_000 })
      await connection.send([
        Buffer.from('<110>1 2026-11-21T10:00:00Z gateway.test sealpost - secret [a@1] \uFEFFx'),
      ])
      await connection.confirm()
      return { failure: 'none', sent: Buffer.concat(wire.connections.map(bytes => bytes())) }
    } catch (error) {
      return {
        failure: syslogFailureOf(error),
        sent: Buffer.concat(wire.connections.map(bytes => bytes())),
      }
    } finally {
      await wire.stop()
    }
  }

  test('another name or another CA: not a byte of an event leaves', async () => {
    const stranger = await createAuthority({ commonName: 'SIEM CA', days: 1 })
    for (const wrong of [{ host: '127.0.0.1' }, { ca: stranger.certificate }]) {
      const { failure, sent } = await tryOut(known(wrong))
      expect(failure).toBe('not_authenticated')
      // A ClientHello and an alert: no room for anything else.
      expect(sent.length).toBeLessThan(2_500)
    }
    expect(await rsyslog.messages()).toEqual([])
  })

  test('no certificate, or one of another CA: rsyslog takes nothing, and we do not think that it did', async () => {
    const stranger = await createAuthority({ commonName: 'Senders CA', days: 1 })
    const forged = await issueClientCertificate(stranger, { dns: 'gateway.test', days: 1 })
    for (const identity of [undefined, forged]) {
      expect((await tryOut(known({ identity }))).failure).not.toBe('none')
    }
    expect(await rsyslog.messages()).toEqual([])
    expect((await tryOut(known())).failure).toBe('none')
    expect(await rsyslog.messages()).toHaveLength(1)
  })

  test('rsyslog by GnuTLS reads, but never says so: nothing counts as arrived', async () => {
    await using gtls = await startRsyslog({ server, sendersCa: sendersCa.certificate, driver: 'gtls' })
    expect((await tryOut(known({ port: gtls.port }))).failure).toBe('not_confirmed')
  })
})

describe('a whole gateway', () => {
  const opened = new AsyncDisposableStack()
  afterAll(() => opened.disposeAsync())

  test('killed in the middle and started again: nothing is missing, and no card number is in it', async () => {
    const ground = opened.adopt(await openGround(), used => used.close())
    const sink = opened.adopt(await startSink(ground.mailIdentity), used => used.stop())
    const friend = await ground.addRecipient('friend@bank.test', sink.port)
    const file = async (name: string, content: string): Promise<string> => {
      const path = `${ground.environment['SEALPOST_TLS_CERT_FILE'] ?? ''}.${name}`
      await writeFile(path, content, { mode: 0o600 })
      return path
    }
    const settings = {
      SEALPOST_SYSLOG_HOST: 'localhost',
      SEALPOST_SYSLOG_PORT: String(rsyslog.port),
      SEALPOST_SYSLOG_CA_FILE: await file('siem-ca', siemCa.certificate),
      SEALPOST_SYSLOG_CERT_FILE: await file('siem-client', mine.certificate),
      SEALPOST_SYSLOG_KEY_FILE: await file('siem-key', mine.key),
    }
    await appendMany(ground.owner, 12_000)
    const first = await ground.serve({ settings })
    await expect
      .poll(async () => (await rsyslog.messages()).length, { timeout: 60_000, interval: 20 })
      .toBeGreaterThan(500)
    await first.kill()

    const second = await ground.serve({ settings })
    const message = {
      from: sender,
      to: [friend.address],
      subject: 'Settlement',
      text: `${canaryWords} card ${canaryPan}`,
    }
    expect((await second.client.post(message)).status).toBe(202)
    const refused = await second.client.post({ ...message, reference: canaryPan })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    const types = async () => new Set((await received()).map(({ id }) => id))
    await expect
      .poll(async () => (await types()).has('delivery.delivered'), { timeout: 90_000, interval: 200 })
      .toBe(true)
    second.signal('SIGTERM')
    await second.ended
    const messages = await received()
    // The last events are sealed and sent by whoever comes next; what was sent has no gap.
    const sent = new Set(leaves(messages))
    expect([...sent].toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent.size }, (_, leaf) => leaf))
    expect(canariesIn(Buffer.from((await rsyslog.messages()).join('\n')))).toEqual([])
    const ids = await types()
    for (const type of ['gateway.started', 'message.accepted', 'stream.started', 'checkpoint']) {
      expect(ids).toContain(type)
    }
  })
})
