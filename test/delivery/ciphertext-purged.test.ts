import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelDelivery } from '../../src/delivery/quarantine/decide.ts'
import { giveUpWhatIsOver } from '../../src/delivery/quarantine/give-up.ts'
import { stopDeliveries } from '../../src/delivery/stop.ts'
import { type DeliveryId, newId, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type Accepted, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

let post: Post
let sink: Sink
let count = 0

beforeAll(async () => {
  const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
  sink = await startSink(await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 }), {
    onRcptTo({ address }, _session, done) {
      const code = address.startsWith('busy') ? 451 : address.startsWith('nobody') ? 550 : undefined
      done(code === undefined ? null : Object.assign(new Error('no'), { responseCode: code }))
    },
  })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

interface Told {
  readonly type: string
  readonly xact: string
}

async function told(delivery: DeliveryId): Promise<readonly Told[]> {
  const rows = await post
    .owner('audit_events')
    .whereRaw(`body::jsonb ->> 'delivery' = ?`, [delivery])
    .orderBy('seq')
    .select<{ type: string; xact: string }[]>('type', post.owner.raw('xact::text AS xact'))
  return rows.map(({ type, xact }) => ({ type, xact }))
}

/** The ciphertext is gone, and that is told once, in the transaction of `last`. */
async function isPurged({ delivery }: Accepted, last: string): Promise<void> {
  const events = await told(delivery)
  const purges = events.filter(({ type }) => type === 'ciphertext.purged')
  expect(purges).toHaveLength(1)
  expect(events.filter(({ type }) => type === last).at(-1)?.xact).toBe(purges[0]?.xact)
  const row = await post.owner('deliveries').where({ id: delivery }).first<{ ciphertext: unknown }>()
  expect(row.ciphertext).toBeNull()
}

const accept = (local: string) => post.acceptOne(`${local}${++count}@bank.test`)
const quarantined = async () => {
  const accepted = await accept('wait')
  await post
    .owner('deliveries')
    .where({ id: accepted.delivery })
    .update({ state: 'quarantined', quarantined_at: new Date(), next_attempt_at: null })
  return accepted
}

test('what was delivered, and what failed for good, is purged with its last attempt; what is deferred is kept', async () => {
  const [good, bad, later] = [await accept('good'), await accept('nobody'), await accept('busy')]
  const courier = post.startCourier()
  await post.until(good.message, ({ state }) => state === 'delivered')
  await post.until(bad.message, ({ state }) => state === 'failed')
  await post.until(later.message, ({ attempts }) => attempts.length > 0)
  await courier.stop()
  await isPurged(good, 'delivery.delivered')
  await isPurged(bad, 'delivery.failed')
  expect((await told(later.delivery)).map(({ type }) => type)).not.toContain('ciphertext.purged')
})

test('what an operator cancels is purged with it', async () => {
  const accepted = await quarantined()
  await cancelDelivery(post.gateway, systemClock, undefined, accepted.delivery)
  await isPurged(accepted, 'delivery.cancelled')
})

test('what nobody decided on in its time is purged with it', async () => {
  const accepted = await quarantined()
  await post
    .owner('deliveries')
    .where({ id: accepted.delivery })
    .update({ give_up_at: new Date(0) })
  await giveUpWhatIsOver(post.gateway, systemClock)
  await isPurged(accepted, 'delivery.failed')
})

test('what a revocation stops is purged with it', async () => {
  const accepted = await accept('stopped')
  const { certificate } = accepted
  await post.gateway.transaction(trx =>
    stopDeliveries(trx, systemClock, { certificate }, 'certificate_revoked'),
  )
  await isPurged(accepted, 'delivery.failed')
})

test('nothing is purged whose event cannot be written', async () => {
  const accepted = await quarantined()
  await post.owner.raw(
    `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'ciphertext.purged') NOT VALID`,
  )
  await expect(
    cancelDelivery(post.gateway, systemClock, newId('opr', systemClock), accepted.delivery),
  ).rejects.toMatchObject({ code: 'audit_unavailable' })
  await post.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  const row = await post.owner('deliveries').where({ id: accepted.delivery }).first<{ ciphertext: unknown }>()
  expect(row.ciphertext).not.toBeNull()
})
