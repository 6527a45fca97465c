import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AlarmCode, catalogue, recomputeHash } from '../../../src/audit/index.ts'
import {
  archiveEvents,
  latestCheckpoint,
  openStream,
  openSyslogAnchor,
  type Siem,
  type Stream,
  streamProgress,
} from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { openLogger } from '../../../src/platform/index.ts'
import {
  type Behaviour,
  knownBy,
  type ReadMessage,
  type ReceiverIdentity,
  readMessage,
  reads,
  receiverIdentity,
  startReceiver,
  type TestReceiver,
} from '../../support/syslog-receiver.ts'
import { grow } from '../export/support.ts'
import { openTestLog, origin, type TestLog } from '../sequencer/support.ts'

let identity: ReceiverIdentity
beforeAll(async () => {
  identity = await receiverIdentity()
})

let log: TestLog
let receiver: TestReceiver
let seal: () => Promise<void>
let open: Set<Stream>
let alarms: Set<AlarmCode>
/** How far the clock of the streams is ahead, in milliseconds. */
let ahead: number

beforeEach(async () => {
  log = await openTestLog()
  receiver = await startReceiver(identity)
  const sequencer = log.sequencer()
  seal = () => log.settled(sequencer)
  open = new Set()
  alarms = new Set()
  ahead = 0
})
afterEach(async () => {
  await Promise.all([...open].map(stream => stream.stop()))
  await receiver[Symbol.asyncDispose]()
  await log.close()
})

const clock = { now: () => new Date(Date.now() + ahead) }
const quiet = openLogger({ level: 'error', destination: { write: () => true } })

function siemAt({ port }: { readonly port: number }, deadline = 20_000): Siem {
  return { receiver: () => knownBy(identity, { port }), hostname: 'gateway.test', origin, deadline }
}

/** One that passes when the test says so. */
function streamTo(siem: Siem | undefined): Stream {
  const raising = {
    raise: (code: AlarmCode) => alarms.add(code),
    clear: (code: AlarmCode) => alarms.delete(code),
  }
  const stream = openStream({ knex: log.gateway, clock, log: quiet, alarms: raising, siem, every: 10 ** 9 })
  open.add(stream)
  return stream
}

/** Passes until nothing is left; twice, because what the stream's own first pass sent is an event of its own. */
async function drain(stream: Stream): Promise<void> {
  for (let idle = 0; idle < 2; ) {
    await seal()
    idle = (await stream.pass()) > 0 ? 0 : idle + 1
  }
}

const received = (): ReadMessage[] => receiver.messages.map(readMessage)
const leavesOf = (messages: readonly ReadMessage[]) => messages.map(({ data }) => Number(data['leaf']))
const upTo = (count: number) => Array.from({ length: count }, (_, leaf) => leaf)
const ownEvents = async () =>
  (await log.owner('audit_events').whereLike('type', 'stream.%').orderBy('seq').pluck<string[]>('body')).map(
    body => JSON.parse(body) as { type: string; leaf: number; reason?: string },
  )
const ownTypes = async () => (await ownEvents()).map(({ type }) => type)

test('every event arrives in the order of the log, and its leaf hash can be computed from what arrived', async () => {
  await log.append(1_200)
  await seal()
  await drain(streamTo(siemAt(receiver)))
  const messages = received()
  // The stream itself has begun, which is an event.
  expect(leavesOf(messages)).toEqual(upTo(1_201))
  const hashes = await log
    .owner('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .orderBy('l.leaf')
    .select<{ hash: Buffer; id: string }[]>('e.hash', 'e.id')
  expect(messages.map(({ text }) => recomputeHash(text))).toEqual(hashes.map(({ hash }) => hash))
  expect(messages.map(({ data }) => data['id'])).toEqual(hashes.map(({ id }) => id))
  expect(messages[0]).toMatchObject({
    priority: 110,
    hostname: 'gateway.test',
    application: 'sealpost',
    id: 'gateway.stopped',
    data: { origin, leaf: '0', result: 'success' },
  })
  expect(messages.at(-1)?.id).toBe('stream.started')
})

test('it goes on where it was, also in another replica, and falls silent when all is said', async () => {
  await log.append(10)
  const stream = streamTo(siemAt(receiver))
  await drain(stream)
  await stream.stop()
  await log.append(5)
  const another = streamTo(siemAt(receiver))
  await drain(another)
  expect(leavesOf(received())).toEqual(upTo(16))
  // What the stream says of itself makes no more to say.
  for (let pass = 0; pass < 3; pass++) await drain(another)
  expect(receiver.messages).toHaveLength(16)
  expect(await ownTypes()).toEqual(['stream.started'])
  expect(await streamProgress(log.gateway, knownBy(identity, receiver))).toEqual({
    failures: 0,
    waitingSince: undefined,
  })
})

describe('what does not arrive for certain is sent again, the same to the byte', () => {
  const behaviours: Record<string, Behaviour> = {
    'the receiver ends early': tls => {
      reads(tls, receiver)
      tls.once('data', () => tls.end())
    },
    'it dies': tls => {
      reads(tls, receiver)
      tls.once('data', () => tls.destroy())
    },
    'it speaks': tls => {
      reads(tls, receiver)
      tls.write('HTTP/1.1 400 Bad Request\r\n')
    },
    'it stalls': () => undefined,
  }
  test.each(Object.entries(behaviours))('%s', async (_, behaviour) => {
    await log.append(600)
    await seal()
    receiver.behave(behaviour)
    const stream = streamTo(siemAt(receiver, 400))
    expect(await stream.pass()).toBe(0)
    expect(await stream.pass()).toBe(0)
    const first = [...receiver.messages]
    receiver.messages.length = 0
    receiver.behave(reads)
    ahead += 60_000
    await drain(streamTo(siemAt(receiver)))
    expect(leavesOf(received())).toEqual(upTo(602))
    expect(receiver.messages).toEqual(expect.arrayContaining(first))
    expect(await ownTypes()).toEqual(['stream.failed', 'stream.started'])
  })
})

test('it arrived, but that was not kept: it is sent again', async () => {
  await log.append(3)
  await seal()
  // What a replica killed between the two leaves behind.
  await log.owner.raw(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'`,
  )
  await log.owner.raw('CREATE TRIGGER refuse BEFORE INSERT ON audit_followers EXECUTE FUNCTION refuse()')
  const stream = streamTo(siemAt(receiver))
  expect(await stream.pass()).toBe(0)
  expect(await ownTypes()).toEqual([])
  await log.owner.raw('DROP TRIGGER refuse ON audit_followers')
  await drain(stream)
  expect(leavesOf(received()).slice(0, 6)).toEqual([0, 1, 2, 0, 1, 2])
})

test('a receiver that is not the right one hears nothing, and the log says why', async () => {
  await log.append(3)
  await seal()
  const stranger = {
    ...siemAt(receiver),
    receiver: () => ({ ...knownBy(identity, receiver), host: '127.0.0.1' }),
  }
  expect(await streamTo(stranger).pass()).toBe(0)
  expect(receiver.messages).toEqual([])
  expect(await ownEvents()).toMatchObject([{ type: 'stream.failed', reason: 'not_authenticated', leaf: 0 }])
})

test('a receiver that comes and goes all day is told of now and then, not at each try', async () => {
  await log.append(1)
  const stream = streamTo(siemAt(receiver))
  await drain(stream)
  for (let minute = 0; minute < 40; minute++) {
    receiver.behave(minute % 2 === 0 ? tls => tls.destroy() : reads)
    ahead += 60_000
    await log.append(1)
    await seal()
    await stream.pass()
  }
  const types = await ownTypes()
  expect(types[0]).toBe('stream.started')
  const failed = types.filter(type => type === 'stream.failed').length
  expect(failed).toBeGreaterThan(1)
  expect(failed).toBeLessThanOrEqual(4)
  expect(types.filter(type => type === 'stream.recovered')).toHaveLength(failed)
}, 120_000)

test('while it fails it is tried ever more seldom, by all replicas together', async () => {
  await log.append(1)
  await seal()
  let connections = 0
  receiver.behave(tls => {
    connections++
    tls.destroy()
  })
  const streams = [streamTo(siemAt(receiver)), streamTo(siemAt(receiver))]
  for (let second = 0; second < 100; second++) {
    ahead += 1_000
    for (const stream of streams) await stream.pass()
  }
  // After 1, 2, 4, … 64 seconds.
  expect(connections).toBeGreaterThanOrEqual(5)
  expect(connections).toBeLessThanOrEqual(8)
  expect(await ownTypes()).toEqual(['stream.failed'])
}, 120_000)

test('an event that has waited for over ten minutes raises the alarm; its arrival clears it', async () => {
  await log.append(1)
  await seal()
  receiver.behave(tls => tls.destroy())
  const stream = streamTo(siemAt(receiver))
  await stream.pass()
  expect(alarms).toEqual(new Set())
  ahead = 11 * 60_000
  await stream.pass()
  expect(alarms).toEqual(new Set(['stream_behind']))
  receiver.behave(reads)
  ahead += 10 * 60_000
  await stream.pass()
  expect(alarms).toEqual(new Set())
})

test('two replicas take turns: each event arrives, none at the same time', async () => {
  await log.append(2_000)
  await seal()
  let at = 0
  let most = 0
  receiver.behave(tls => {
    most = Math.max(most, ++at)
    tls.on('close', () => at--)
    reads(tls, receiver)
  })
  const [one, other] = [streamTo(siemAt(receiver)), streamTo(siemAt(receiver))]
  for (let pass = 0; pass < 8; pass++) await Promise.all([one.pass(), other.pass()])
  expect(leavesOf(received()).slice(0, 2_000)).toEqual(upTo(2_000))
  expect(most).toBe(1)
})

test('stopping does not wait for a receiver that stalls', async () => {
  await log.append(1)
  await seal()
  receiver.behave(() => undefined)
  const stream = streamTo(siemAt(receiver))
  const pass = stream.pass()
  await expect.poll(() => log.gateway('pg_locks').where({ locktype: 'advisory' })).not.toEqual([])
  const began = performance.now()
  await stream.stop()
  expect(await pass).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(await ownTypes()).toEqual([])
})

test('a receiver taken out of the settings is recorded, and a new one goes on from there', async () => {
  await log.append(2)
  const first = streamTo(siemAt(receiver))
  await drain(first)
  await first.stop()
  await streamTo(undefined).stop()
  expect(await ownTypes()).toEqual(['stream.started', 'stream.stopped'])
  await streamTo(undefined).stop()
  expect(await ownTypes()).toHaveLength(2)
  await drain(streamTo(siemAt(receiver)))
  expect(await ownTypes()).toEqual(['stream.started', 'stream.stopped', 'stream.started'])
  expect(leavesOf(received())).toEqual(upTo(5))
})

test('no event leaves for an archive before the SIEM has it', async () => {
  const day = 86_400_000
  await grow(log, 300, new Date(Date.now() - 200 * day))
  receiver.behave(tls => tls.destroy())
  const stream = streamTo(siemAt(receiver))
  await stream.pass()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-archive-'))
  const archive = () =>
    archiveEvents(
      { knex: log.owner, clock: systemClock, actor: { kind: 'host' } },
      {
        before: new Date(Date.now() - 150 * day),
        to: join(directory, 'one'),
        keys: [log.key.verifier],
      },
    )
  await expect(archive()).rejects.toMatchObject({ code: 'archive_refused' })
  receiver.behave(reads)
  ahead += 60_000
  await drain(stream)
  expect(await archive()).toMatchObject({ first: 0, next: 256 })
  await rm(directory, { recursive: true })
})

test('checkpoints arrive as signed notes, and the anchor has no more to say', async () => {
  await log.append(3)
  await seal()
  const checkpoint = await latestCheckpoint(log.gateway)
  if (checkpoint === undefined) throw new Error('there is none')
  const anchor = openSyslogAnchor(siemAt(receiver))
  const noProof = () => Promise.reject(new Error('not asked for'))
  expect(await anchor.anchor(checkpoint, noProof)).toBeUndefined()
  const [message] = received()
  expect(message).toMatchObject({ id: 'checkpoint', priority: 110, data: { origin, size: '3' } })
  expect(JSON.parse(message?.text ?? '')).toEqual({ checkpoint: checkpoint.note })
  receiver.behave(tls => tls.destroy())
  await expect(anchor.anchor(checkpoint, noProof)).rejects.toMatchObject({ reason: 'connection_lost' })
})

test('every type of event fits into MSGID', () => {
  expect(Object.keys(catalogue).filter(type => !/^[\x21-\x7e]{1,32}$/.test(type))).toEqual([])
})
