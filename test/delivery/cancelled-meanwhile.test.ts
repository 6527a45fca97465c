import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelDeliveries } from '../../src/delivery/index.ts'
import { type ApplicationId, type MessageId, SealpostError, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { eventually } from '../support/locks.ts'
import { type Accepted, openPost, type Post, pinnedTo } from '../support/post.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

let post: Post
let sink: Sink
let application: ApplicationId
/** What the server says to each address the first time; it takes whatever comes again. */
const firstAnswer = new Map<string, 'takes' | 'defers' | 'refuses'>()
let count = 0

beforeAll(async () => {
  const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
  sink = await startSink(await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 }), {
    onRcptTo({ address }, _session, done) {
      const answer = firstAnswer.get(address)
      if (answer === 'defers') firstAnswer.delete(address)
      const code = answer === 'defers' ? 451 : answer === 'refuses' ? 550 : undefined
      done(code === undefined ? null : Object.assign(new Error('no'), { responseCode: code }))
    },
  })
  post = await openPost()
  await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
  application = (await post.owner('applications').first<{ id: ApplicationId }>('id')).id
})
afterAll(async () => {
  await post.close()
  await sink.stop()
})

const cancel = (message: MessageId): Promise<string> =>
  cancelDeliveries(post.gateway, systemClock, application, message).then(
    () => 'cancelled',
    (error: unknown) => (error instanceof SealpostError ? error.code : String(error)),
  )

const messages = fc.array(
  fc.record({
    answer: fc.constantFrom('takes', 'defers', 'refuses'),
    /** When, in milliseconds after it was accepted, the application asks for its end. */
    cancels: fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 3 }),
  }),
  { minLength: 30, maxLength: 40 },
)

test('whenever it is cancelled: what was called cancelled was never sent, and what was sent is never called cancelled', async () => {
  const couriers = [0, 1].map(() =>
    post.startCourier({ policy: { poll: 10, retry: { first: 40, max: 80, jitter: 0 } } }),
  )
  const met = new Set<string>()
  await fc.assert(
    fc.asyncProperty(messages, async plan => {
      const addresses = plan.map(({ answer }) => {
        const address = `m${++count}@bank.test`
        firstAnswer.set(address, answer)
        return address
      })
      const accepted = await post.accept(...addresses)
      const answers = await Promise.all(
        accepted.map(({ message }, i) =>
          Promise.all((plan[i]?.cancels ?? []).map(ms => sleep(ms).then(() => cancel(message)))),
        ),
      )
      const ended = await settled(accepted)
      expect(ended).toHaveLength(plan.length)
      for (const [i, { state, outcome, events }] of ended.entries()) {
        const [said, address] = [answers[i] ?? [], addresses[i] ?? '']
        expect(said.filter(code => code !== 'cancelled' && code !== 'nothing_to_cancel')).toEqual([])
        const mails = sink.mails.filter(({ to }) => to.includes(address)).length
        expect(outcome === 'cancelled_by_application').toBe(said.includes('cancelled'))
        expect(mails).toBe(state === 'delivered' ? 1 : 0)
        // One end, told once, and the ciphertext went with it.
        const ends = events.filter(type => /^delivery\.(?:delivered|failed|cancelled)$/.test(type))
        expect(ends).toEqual([said.includes('cancelled') ? 'delivery.cancelled' : `delivery.${state}`])
        expect(events.filter(type => type === 'ciphertext.purged')).toHaveLength(1)
        expect(events.at(-1)).toBe('ciphertext.purged')
        met.add(outcome)
      }
    }),
    { numRuns: 4, endOnFailure: true },
  )
  for (const courier of couriers) await courier.stop()
  // The runs met all of these, or they show nothing.
  expect([...met].sort()).toEqual(['cancelled_by_application', 'delivered', 'mailbox_rejected'])
}, 60_000)

interface Ended {
  readonly state: string
  readonly outcome: string
  /** The types of its events, in order. */
  readonly events: readonly string[]
}

/** What became of these, once they are settled. */
async function settled(accepted: readonly Accepted[]): Promise<readonly Ended[]> {
  const ids = accepted.map(({ delivery }) => delivery)
  await eventually('all are settled', async () => {
    const open = await post.owner('deliveries').whereIn('id', ids).whereNull('settled_at').select('id')
    return open.length === 0
  })
  const { rows } = await post.owner.raw<{ rows: (Ended & { id: string })[] }>(
    `SELECT d.id, d.state, d.outcome, (SELECT array_agg(e.type ORDER BY e.seq) FROM audit_events e
              WHERE e.body::jsonb ->> 'delivery' = d.id) AS events
       FROM deliveries d WHERE d.id = ANY(?)`,
    [ids],
  )
  return ids.flatMap(id => rows.filter(row => row.id === id))
}
