import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Route } from '../../src/delivery/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { lenient, openPost, type Post } from '../support/post.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })
let weak: Sink
let strong: Sink
let post: Post
beforeAll(async () => {
  weak = await startSink(identity)
  strong = await startSink(identity)
  post = await openPost()
})
afterAll(async () => {
  await post.close()
  await weak.stop()
  await strong.stop()
})

/** Two servers of one domain, the first of them with the weaker proof. */
const route = (): Route => {
  const at = ({ port }: Sink) => ({ name: 'mx.test', port, tls: 'starttls' }) as const
  return {
    ok: true,
    asked: 'auto',
    requireTls: undefined,
    limits: undefined,
    candidates: [
      { host: at(weak), addresses: ['127.0.0.1'], proof: { level: 'mta_sts', policyId: '1' } },
      {
        host: at(strong),
        addresses: ['127.0.0.1'],
        proof: { level: 'pinned', pins: { ca: authority.certificate } },
      },
    ],
  }
}

test('a server whose proof is below the floor of the policy is not spoken to; one of the same domain that reaches it is', async () => {
  const courier = post.startCourier({
    findRoute: () => Promise.resolve(route()),
    policyAt: () => Promise.resolve({ ...lenient, floor: 'pinned' }),
  })
  const { message } = await post.acceptOne('a@bank.test')
  const status = await post.until(message, ({ state }) => state === 'delivered')
  await courier.stop()
  expect(status.attempts).toMatchObject([{ port: strong.port, tls: { rule: 'pinned', asked: 'auto' } }])
  expect(weak.connections).toBe(0)
})

test('a floor that rises while a connection is open holds for the next message on it', async () => {
  let floor: 'pinned' | 'dane' = 'pinned'
  const asked = Promise.withResolvers<undefined>()
  const courier = post.startCourier({
    findRoute: () => Promise.resolve(route()),
    // The connection is opened under the lower floor; what is looked at before MAIL FROM is the higher one.
    policyAt: () => {
      const policy = { ...lenient, floor }
      floor = 'dane'
      asked.resolve(undefined)
      return Promise.resolve(policy)
    },
  })
  const { message } = await post.acceptOne('b@bank.test')
  await asked.promise
  const { attempts } = await post.until(message, status => status.attempts.length > 0)
  await courier.stop()
  expect(attempts[0]).toMatchObject({ outcome: 'destination_below_floor', tls: { rule: 'pinned' } })
  expect(strong.mails.map(({ to }) => to)).not.toContainEqual(['b@bank.test'])
})

test.each([
  [
    'stale data on revocation is waited for, whatever the policy',
    'stale',
    'when_known',
    'tls_revocation_stale',
  ],
  ['a CA that publishes nothing on revocation will do', 'unknown', 'when_known', 'delivered'],
  [
    'a CA that publishes nothing will not, where the policy says so',
    'unknown',
    'required',
    'tls_revocation_stale',
  ],
  ['what is known to be good goes on', 'good', 'required', 'delivered'],
] as const)('%s', async (_name, known, wanted, outcome) => {
  const courier = post.startCourier({
    findRoute: () => Promise.resolve(route()),
    policyAt: () => Promise.resolve({ ...lenient, floor: 'pinned', revocation: wanted }),
    revocation: () => Promise.resolve({ status: known, source: null }),
  })
  const { message } = await post.acceptOne(`${known}-${wanted}@bank.test`)
  const { attempts } = await post.until(message, status => status.attempts.length > 0)
  await courier.stop()
  expect(attempts[0]).toMatchObject({ outcome, tls: { revocation: known } })
})
