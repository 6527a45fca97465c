import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { stopDeliveries } from '../../../src/delivery/index.ts'
import { type DeliveryId, systemClock } from '../../../src/kernel/index.ts'
import { revokeCertificate } from '../../../src/keys/index.ts'
import { createAuthority, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import { eventually } from '../../support/locks.ts'
import { noticeSender } from '../../support/notices.ts'
import { openPost, type Post, pinnedTo } from '../../support/post.ts'
import { type Sink, startLate, startSink } from '../../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })
const actor = { kind: 'host' } as const
let post: Post
let sink: Sink
/** Called when the server has the mailbox; whoever waits for it waits between MAIL FROM and DATA. */
let onRcpt: () => Promise<void>
let count = 0
const address = (domain: string): string => `v${++count}@${domain}`

beforeAll(async () => {
  post = await openPost()
  sink = await startSink(identity, { onRcptTo: (_to, _session, done) => void onRcpt().then(() => done()) })
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
beforeEach(() => {
  onRcpt = () => Promise.resolve()
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

function revoke(fingerprint: string) {
  const order = { actor, means: 'host', reason: 'compromised', fingerprint } as const
  return post.gateway.transaction(trx =>
    revokeCertificate(trx, systemClock, { ...order, stop: stopDeliveries, sender: noticeSender }),
  )
}
/** But for the purge of its ciphertext: see test/delivery/ciphertext-purged.test.ts. */
async function eventsOf(delivery: DeliveryId): Promise<{ type: string; outcome: string }[]> {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as { type: string; outcome: string; delivery: string })
    .filter(event => event.delivery === delivery && event.type !== 'ciphertext.purged')
}

test('what waits in the queue is stopped by the revocation itself: failed, ciphertext gone, application told', async () => {
  const accepted = await post.acceptOne(address('bank.test'))
  expect(await revoke(accepted.certificate)).toEqual({ outcome: 'revoked', stopped: 1 })
  expect(await post.status(accepted.message)).toMatchObject({
    state: 'failed',
    outcome: 'certificate_revoked',
  })
  const row: unknown = await post.owner('deliveries').where({ id: accepted.delivery }).first()
  expect(row).toMatchObject({ ciphertext: null, next_attempt_at: null })
  expect(await eventsOf(accepted.delivery)).toMatchObject([
    { type: 'delivery.failed', outcome: 'certificate_revoked' },
  ])
  const notice: unknown = await post.owner('notices').where({ recipient_id: accepted.recipient }).first()
  expect(notice).toMatchObject({ kind: 'revoked', state: 'queued' })
})

test('a revocation between connect and MAIL FROM: the server never hears of the message', async () => {
  const server = await startLate(identity)
  await post.route('late.test', pinnedTo(authority.certificate, server.port, 'implicit'))
  const accepted = await post.acceptOne(address('late.test'))
  const courier = post.startCourier()
  await server.connected
  expect(await revoke(accepted.certificate)).toMatchObject({ outcome: 'revoked' })
  server.greet()
  const status = await post.until(accepted.message, ({ state }) => state === 'failed')
  await courier.stop()
  await server.stop()
  expect(status.outcome).toBe('certificate_revoked')
  expect(server.asked.filter(line => !/^(?:EHLO|QUIT)/.test(line))).toEqual([])
  expect(await eventsOf(accepted.delivery)).toMatchObject([
    { type: 'delivery.failed', outcome: 'certificate_revoked' },
  ])
})

test('a revocation after MAIL FROM comes too late for that message, and says so: it is not among the stopped', async () => {
  let proceed: (() => void) | undefined
  onRcpt = () =>
    new Promise(resolve => {
      proceed = resolve
    })
  const accepted = await post.acceptOne(address('bank.test'))
  const courier = post.startCourier()
  await eventually('the server has the mailbox', () => proceed !== undefined)
  expect(await revoke(accepted.certificate)).toEqual({ outcome: 'revoked', stopped: 0 })
  proceed?.()
  const status = await post.until(
    accepted.message,
    ({ state }) => state === 'delivered' || state === 'failed',
  )
  await courier.stop()
  expect(status.state).toBe('delivered')
  const types = (await eventsOf(accepted.delivery)).map(({ type }) => type)
  expect(types).toEqual(['delivery.delivered'])
})
