import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConnectionInventory } from '../../../src/connections/index.ts'
import { syslogChecks } from '../../../src/doctor/checks/syslog.ts'
import { examine } from '../../../src/doctor/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { fingerprintOf } from '../../../src/platform/tls/index.ts'
import { canariesIn, canaryPan, canaryWords } from '../../support/canary.ts'
import { type House, openHouse } from '../../support/house.ts'
import {
  type ReceiverIdentity,
  readMessage,
  reads,
  receiverIdentity,
  startReceiver,
  type TestReceiver,
} from '../../support/syslog-receiver.ts'

let identity: ReceiverIdentity
let receiver: TestReceiver
let house: House
beforeAll(async () => {
  identity = await receiverIdentity()
  receiver = await startReceiver(identity)
  house = await openHouse(
    {
      syslog: { host: 'localhost', port: receiver.port },
      anchors: { directory: undefined, witnesses: [], every: 500 },
    },
    { syslog: { ca: identity.authority.certificate, crl: undefined, identity: undefined } },
  )
})
afterAll(async () => {
  await house.close()
  await receiver[Symbol.asyncDispose]()
})

const ids = () => receiver.messages.map(message => readMessage(message).id)
const patience = { timeout: 25_000, interval: 50 }

test('a gateway sends what happens, and its checkpoints; nothing of a message is among it', async () => {
  const { client, sender } = house
  const posted = await client.post({
    from: sender,
    to: ['nobody@bank.test'],
    subject: canaryWords,
    text: `${canaryWords} ${canaryPan}`,
  })
  expect(posted.status).toBe(422)
  await expect.poll(ids, patience).toEqual(expect.arrayContaining(['gateway.started', 'request.refused']))
  await expect.poll(ids, patience).toContain('checkpoint')
  expect(canariesIn(Buffer.from(receiver.messages.join('\n')))).toEqual([])
})

test('the inventory says how the connection is protected and when something last arrived', async () => {
  const operator = await house.signedIn('anna', 'auditor')
  const syslog = async () => {
    const { text } = await operator.call('GET', '/v1/inventory')
    const { connections } = (JSON.parse(text) as { connections: ConnectionInventory }).connections
    return connections.find(({ name }) => name === 'syslog')
  }
  // Something has to have arrived first.
  await expect.poll(async () => (await syslog())?.lastUsedAt ?? null, patience).not.toBeNull()
  expect(await syslog()).toMatchObject({
    direction: 'out',
    place: `localhost:${receiver.port}`,
    floor: 'TLSv1.2',
    peer: 'configured_ca',
    clientCertificate: false,
    revocation: 'none',
    involved: [{ what: 'ca', sha256: fingerprintOf(new X509Certificate(identity.authority.certificate)) }],
    lastUsedAt: expect.any(String) as string,
    exception: null,
  })
})

test('doctor tries the receiver, and says why it cannot be relied on', async () => {
  const findings = async (host: string | undefined) => {
    const syslog = host === undefined ? undefined : { host, port: receiver.port }
    const checks = syslogChecks(house.owner, { syslog, foreignCertificates: [] }, house.secrets, systemClock)
    return (await examine(checks)).map(({ check, verdict, found }) => `${check} ${verdict} ${found}`)
  }
  expect((await findings('localhost'))[0]).toMatch(/^syslog ok localhost by TLSv1\.3/)
  receiver.behave(tls => tls.destroy())
  expect((await findings('localhost'))[0]).toMatch(/^syslog fail localhost: connection_lost/)
  receiver.behave(reads)
  expect((await findings('127.0.0.1'))[0]).toMatch(/^syslog fail 127\.0\.0\.1: not_authenticated/)
  expect(await findings(undefined)).toEqual([expect.stringMatching(/^syslog warn no SEALPOST_SYSLOG_HOST/)])
})

test('other files for the receiver are taken by a reload, or refused with the reason', async () => {
  const other = await receiverIdentity()
  const reload = (ca: string) =>
    house.gateway.reload(() => ({ ...house.secrets, syslog: { ca, crl: undefined, identity: undefined } }))
  expect(await reload('nonsense')).toBe(false)
  expect(await reload(other.authority.certificate)).toBe(true)
  const failed = () => house.owner('audit_events').where({ type: 'stream.failed' }).pluck<string[]>('body')
  // The reload itself is an event that has to go out.
  await expect.poll(async () => (await failed()).length, patience).toBe(1)
  expect((await failed())[0]).toContain('not_authenticated')
  expect(await reload(identity.authority.certificate)).toBe(true)
  await expect.poll(ids, patience).toContain('stream.recovered')
})
