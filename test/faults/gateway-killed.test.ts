import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Correspondent, readMail } from '../../src/demo/index.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { closeGate, eventually } from '../support/locks.ts'
import { type Ground, openGround, sender } from '../support/serve.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { type KilledCouriers, killCouriers } from './kill-couriers.ts'
import { type KilledUnderLoad, killUnderLoad } from './kill-under-load.ts'
import { byMessageId, openDeliveries } from './load.ts'
import { openTransactions } from './open-transactions.ts'

const count = 300
let scenes: Promise<[KilledCouriers, KilledUnderLoad]>
// Together and in the background, because both wait for the replicas' look for jobs whose courier died.
beforeAll(() => {
  scenes = Promise.all([killCouriers(), killUnderLoad(count)])
  scenes.catch(() => undefined)
})

const message = (to: string) => ({
  from: sender,
  to: [to],
  subject: 'Refund',
  text: 'Card 4111 1111 1111 1111',
})

describe('SIGKILL while a message is accepted', () => {
  let ground: Ground
  let sink: Sink
  let to: Correspondent
  beforeAll(async () => {
    ground = await openGround()
    sink = await startSink(ground.mailIdentity)
    to = await ground.addRecipient('a@bank.test', sink.port)
  })
  afterAll(async () => {
    await ground.close()
    await sink.stop()
  })

  test('a crash before the commit leaves nothing, and the application sees no 202', async () => {
    const gateway = await ground.serve()
    const [sealer = 0] = gateway.sealers()
    // The audit event is the last statement: message, delivery and job are in the transaction already.
    const gate = await closeGate(ground.owner, ground.database.superuser, 'audit_events')
    const answer = gateway.client.post(message(to.address)).catch(() => 'no answer')
    await gate.reached()
    await gateway.kill()
    await gate.open()
    expect(await answer).toBe('no answer')
    await eventually('the transaction is gone', async () => (await openTransactions(ground.owner)) === 0)
    for (const table of ['messages', 'deliveries', 'pgboss.job']) {
      expect(await ground.owner(table).select()).toEqual([])
    }
    await eventually('the sealer ended with its gateway', () => !existsSync(`/proc/${sealer}`))
  })

  test('a crash after the commit leaves an accepted message whose application saw no 202; it is delivered', async () => {
    const gateway = await ground.serve({ roles: 'api' })
    const gate = await closeGate(ground.owner, ground.database.superuser, 'messages', 'commit')
    const answer = gateway.client.post(message(to.address)).catch(() => 'no answer')
    await gate.reached()
    // Stopped in its COMMIT, the gateway never hears that it succeeded.
    gateway.signal('SIGSTOP')
    await gate.open()
    await eventually('the commit', async () => (await ground.owner('messages').select()).length === 1)
    await gateway.kill()
    expect(await answer).toBe('no answer')
    expect(await brokenInvariants(ground.owner)).toEqual([])

    const successor = await ground.serve()
    await eventually('delivery', async () => (await openDeliveries(ground.owner)) === 0)
    expect(await readMail(to, ground.signer, sink.mails[0]?.bytes ?? Buffer.of())).toContain('Refund')
    // Repeating the request is the application's right; it makes a second message.
    expect((await successor.client.post(message(to.address))).status).toBe(202)
    await eventually(
      'the second one',
      async () => sink.mails.length === 2 && (await openDeliveries(ground.owner)) === 0,
    )
    expect(byMessageId(sink.mails).size).toBe(2)
    expect(await brokenInvariants(ground.owner)).toEqual([])
    await successor.kill()
  })
})

describe('SIGKILL of a courier, and another one later', () => {
  let couriers: KilledCouriers
  beforeAll(async () => {
    ;[couriers] = await scenes
  })

  test('a crash after the claim leaves jobs that nobody works on; they go to another courier', () => {
    expect(couriers.claimed.mails).toHaveLength(1)
    expect(couriers.claimed.attempts).toEqual([1])
  })

  test('a crash in the session leaves an attempt that was begun and not recorded; another courier begins the next', () => {
    expect(couriers.begun.mails).toHaveLength(1)
    expect(couriers.begun.attempts).toEqual([2])
  })

  test('a crash after the server’s 250 leaves a delivery that is sent again: the same Message-ID, the same bytes', () => {
    const [first, second, ...more] = couriers.sent.mails
    expect(more).toEqual([])
    expect(first?.bytes.toString()).toMatch(/^Message-ID: <\S+>\r$/m)
    expect(second?.bytes.toString('latin1')).toBe(first?.bytes.toString('latin1'))
    expect(couriers.sent.attempts).toEqual([2])
  })

  test('a crash in the commit of a record, which the server then finishes: nothing is sent again', () => {
    expect(couriers.recorded.mails).toHaveLength(1)
    expect(couriers.recorded.attempts).toEqual([1])
  })

  test('a crash while jobs are handed back leaves jobs whose heartbeat ends: each is sent once', () => {
    const { mails, attempts } = couriers.handed
    expect(byMessageId(mails).size).toBe(24)
    expect(mails).toHaveLength(24)
    // Those that were in sessions had an attempt begun before.
    expect(attempts).toEqual([...Array<number>(8).fill(1), ...Array<number>(16).fill(2)])
  })

  test('a crash before the record leaves attempts that were made and not recorded: until then, nothing is known of them', () => {
    expect(couriers.before).toEqual({ attempts: [], mails: 2 })
  })

  test('afterwards every invariant holds', () => {
    expect(couriers.broken).toEqual([])
  })
})

describe('SIGKILL of the gateway under load', () => {
  let load: KilledUnderLoad
  beforeAll(async () => {
    ;[, load] = await scenes
  })

  test('it came in the middle', () => {
    expect(load.acknowledgedAtKill).toBeLessThan(count)
    expect(load.openAtKill).toBeGreaterThan(0)
  })

  test('whatever got a 202 arrives', () => {
    expect(load.acknowledged).toBe(count)
    expect(load.lost).toEqual([])
  })

  test('what arrives twice has the same bytes, and nothing arrives three times', () => {
    for (const [first, ...again] of load.arrived.values()) {
      expect(again.length).toBeLessThan(2)
      for (const mail of again) expect(mail.bytes.equals(first?.bytes ?? Buffer.of())).toBe(true)
    }
  })

  test('every invariant holds, at the moment of the crash and afterwards', () => {
    expect(load.brokenAtKill).toEqual([])
    expect(load.broken).toEqual([])
  })
})
