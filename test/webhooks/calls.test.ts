import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Actor } from '../../src/audit/index.ts'
import { webhookPayload } from '../../src/contract/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import {
  addWebhook,
  callOutcome,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateSecret,
  type Secreted,
  testWebhook,
} from '../../src/webhooks/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { saysNode } from './documented.ts'
import { type Call, type Receiver, startReceiver } from './receiver.ts'

const passphrase = 'correct horse battery staple'
const unknown = 'no signature of ours'
const canary = '4111 1111 1111 1111'
const host: Actor = { kind: 'host' }
const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const

let house: House
let authority: Identity
let identity: Identity
let receiver: Receiver
const receivers: Receiver[] = []

beforeAll(async () => {
  authority = await createAuthority({ commonName: 'test web CA', days: 1 })
  identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  house = await openHouse(
    { webhooks: { allowedNetworks: loopback } },
    { webhooks: { ca: authority.certificate } },
  )
  await house.addRecipient('disputes@acquirer.example')
  receiver = await started()
})
afterEach(async () => {
  for (const { id } of await listWebhooks(house.owner)) await removeWebhook(house.owner, systemClock, id)
})
afterAll(async () => {
  await house.close()
  for (const each of receivers) await each.close()
})

async function started(as = identity): Promise<Receiver> {
  const opened = await startReceiver(as)
  receivers.push(opened)
  return opened
}
const add = (url = receiver.url): Promise<Secreted> =>
  addWebhook(house.owner, systemClock, { application: 'billing', url }, passphrase)

async function post(reference = 'refund-7'): Promise<string> {
  const { status, body } = await house.client.post({
    from: house.sender,
    to: ['disputes@acquirer.example'],
    subject: 'Refund',
    text: `Card ${canary}`,
    reference,
  })
  expect(status).toBe(202)
  return (body as { id: string }).id
}

const verdicts = (...cases: readonly (readonly [Call, ...string[]])[]): unknown =>
  saysNode(cases.map(([{ headers, body }, ...secrets]) => ({ headers, body, secrets })))
const eventsOf = async (webhook: string): Promise<readonly Record<string, unknown>[]> => {
  const bodies = await house
    .owner('audit_events')
    .whereLike('body', `%${webhook}%`)
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Record<string, unknown>)
}

test('a call says what became of a delivery, in the form of the contract, and anybody with the secret can verify it', async () => {
  const { id, secret } = await add()
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  const message = await post()
  await eventually('a call', () => receiver.of(message).length > 0)
  const [call] = receiver.of(message)
  if (call === undefined) throw new Error('there is no call')
  expect(webhookPayload.parse(call.payload)).toEqual(call.payload)
  expect(call.payload).toMatchObject({
    type: 'delivery.delivered',
    data: { message, reference: 'refund-7', state: 'delivered', delivery: { state: 'delivered' } },
  })
  expect(call.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': expect.stringMatching(/^call-[a-j]+$/) as string,
  })
  const early = {
    ...call.headers,
    'webhook-timestamp': String(Number(call.headers['webhook-timestamp']) - 600),
  }
  expect(
    verdicts(
      [call, secret],
      [call, `whsec_${Buffer.alloc(32).toString('base64')}`],
      [{ ...call, body: call.body.replace('delivered', 'failed') }, secret],
      [{ ...call, headers: { ...call.headers, 'webhook-id': 'call-jj' } }, secret],
      [{ ...call, headers: early }, secret],
    ),
  ).toEqual([call.payload, unknown, unknown, unknown, 'too old, or from the future'])
  await eventually('the record', async () => (await listWebhooks(house.owner))[0]?.lastStatus === 204)
  const kept = JSON.stringify(await house.owner('webhook_secrets').where({ webhook_id: id }))
  const everything = house.log() + JSON.stringify(await eventsOf(id)) + kept
  for (const leak of [secret, secret.slice(6, 30), call.body, '/hook', 'refund-7'])
    expect(everything).not.toContain(leak)
})

test('after a rotation both secrets verify for a while; then the new one alone', async () => {
  const first = await add()
  const second = await rotateSecret(house.owner, systemClock, first.id, 60_000, passphrase)
  const overlap = await post()
  await eventually('a call', () => receiver.of(overlap).length > 0)
  const [both] = receiver.of(overlap)
  if (both === undefined) throw new Error('there is no call')
  const third = await rotateSecret(house.owner, systemClock, first.id, 0, passphrase)
  const after = await post()
  await eventually('a call', () => receiver.of(after).length > 0)
  const [alone] = receiver.of(after)
  if (alone === undefined) throw new Error('there is no call')
  expect(
    verdicts(
      [both, first.secret],
      [both, second.secret],
      [alone, third.secret],
      [alone, first.secret],
      [alone, second.secret],
      [alone, first.secret, third.secret],
    ),
  ).toEqual([both.payload, both.payload, alone.payload, unknown, unknown, alone.payload])
  await expect(rotateSecret(house.owner, systemClock, first.id, 0, 'another')).rejects.toMatchObject({
    code: 'passphrase_wrong',
  })
})

test('a failed call is made again under the same id, later', async () => {
  await add()
  receiver.answer = () => 503
  const message = await post()
  const waits = () =>
    house
      .owner('webhook_calls')
      .where({ message_id: message, state: 'waiting', attempts: 1 })
      .select('next_attempt_at')
  await eventually('the record', async () => (await listWebhooks(house.owner))[0]?.lastStatus === 503)
  const [{ next_attempt_at: next }] = (await waits()) as [{ next_attempt_at: Date }]
  expect(next.getTime() - Date.now()).toBeGreaterThan(0)
  expect(next.getTime() - Date.now()).toBeLessThan(6_000)
  receiver.answer = () => 204
  await house.owner('webhook_calls').where({ message_id: message }).update({ next_attempt_at: new Date() })
  await eventually('two attempts', () => receiver.of(message).length >= 2)
  const [one, two] = receiver.of(message)
  expect(two?.headers['webhook-id']).toBe(one?.headers['webhook-id'])
  expect(two?.payload).toEqual(one?.payload)
  await eventually('the record', async () => (await listWebhooks(house.owner))[0]?.failingSince === null)
})

describe('nothing is sent to', () => {
  const failures: [string, string, () => Promise<string>][] = [
    [
      'a server without the name',
      'not_authenticated',
      async () => {
        const other = await issueServerCertificate(authority, { dnsNames: ['other.test'], days: 1 })
        return (await started(other)).url
      },
    ],
    [
      'a server of another CA',
      'not_authenticated',
      async () => {
        const stranger = await createAuthority({ commonName: 'test web CA', days: 1 })
        return (await started(await issueServerCertificate(stranger, { dnsNames: ['localhost'], days: 1 })))
          .url
      },
    ],
    [
      'where a redirect leads',
      'redirect_refused',
      async () => {
        const redirecting = await started()
        redirecting.answer = () => ({ status: 307, headers: { location: receiver.url } })
        return redirecting.url
      },
    ],
  ]
  test.each(failures)('%s', async (_what, failure, where) => {
    const { id } = await add(await where())
    const before = receiver.calls.length
    const call = await testWebhook(house.owner, systemClock, host, id)
    await eventually('it is over', async () => (await callOutcome(house.owner, call)) === 'given_up')
    expect(await listWebhooks(house.owner)).toMatchObject([
      { id, lastStatus: null, lastFailure: failure, failingSince: null },
    ])
    expect(receiver.calls).toHaveLength(before)
  })

  test.each([
    ['a URL without TLS', 'http://localhost/hook'],
    ['an address', 'https://127.0.0.1/hook'],
    ['an address of IPv6', 'https://[::1]/hook'],
    ['an address written as a number', 'https://2130706433/hook'],
    ['a URL with a password', 'https://user:secret@localhost/'],
    ['a URL with a fragment', 'https://localhost/#a'],
    ['a URL without end', `https://localhost/${'a'.repeat(2048)}`],
    ['a URL with a card number', 'https://localhost/4111111111111111'],
    ['what is no URL', 'nonsense'],
  ])('%s', async (_what, url) => {
    await expect(add(url)).rejects.toMatchObject({ code: 'usage' })
  })
})

test('a receiver that says 410 is called no more until somebody enables it, then of what is new', async () => {
  const { id } = await add()
  receiver.answer = () => 410
  const lost = await post()
  await eventually('it is disabled', async () => (await listWebhooks(house.owner))[0]?.disabledAt != null)
  receiver.answer = () => 204
  const unheard = await post()
  await eventually('it is delivered', async () => {
    const { body } = await house.client.get(`/v1/messages/${unheard}`)
    return (body as { state: string }).state === 'delivered'
  })
  await enableWebhook(house.owner, systemClock, id)
  await expect(enableWebhook(house.owner, systemClock, id)).rejects.toMatchObject({ code: 'state_conflict' })
  const heard = await post()
  await eventually('a call', () => receiver.of(heard).length > 0)
  expect([receiver.of(lost).length, receiver.of(unheard).length]).toEqual([1, 0])
  expect((await eventsOf(id)).map(({ type }) => type)).toEqual([
    'webhook.added',
    'webhook.disabled',
    'webhook.enabled',
  ])
})

test('a test says that it is one, is made once, and tells how it went', async () => {
  const { id, secret } = await add()
  const call = await testWebhook(house.owner, systemClock, host, id)
  await eventually('it is over', async () => (await callOutcome(house.owner, call)) === 'delivered')
  const made = receiver.calls.at(-1)
  if (made === undefined) throw new Error('there is no call')
  expect(verdicts([made, secret])).toMatchObject([{ type: 'webhook.test', data: { webhook: id } }])
  expect(webhookPayload.parse(made.payload)).toEqual(made.payload)
  await expect(testWebhook(house.owner, systemClock, host, 'whk_0')).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('in the console an admin tries one and sees how that went, an auditor looks, nobody else does', async () => {
  const { id, secret } = await add(`${receiver.url}?token=of-the-receiver`)
  const admin = await house.signedIn('anna', 'admin')
  const auditor = await house.signedIn('carl', 'auditor')
  const approver = await house.signedIn('bert', 'approver')
  const page = async (who = admin): Promise<string> => (await who.get('/webhooks')).text
  expect(await page()).toContain('never called')
  expect(await admin.submit(`/webhooks/${id}/test`)).toMatchObject({ status: 303 })
  await eventually('it is called', async () => (await page()).includes('answered 204'))
  receiver.answer = () => 500
  expect(await admin.call('POST', `/v1/webhooks/${id}/test`, {})).toMatchObject({ status: 202 })
  await eventually('it fails', async () => (await page()).includes('<code>status_500</code>'))
  receiver.answer = () => 204
  const tests = receiver.calls.filter(
    ({ payload }) => payload.type === 'webhook.test' && payload.data.webhook === id,
  )
  expect(tests).toHaveLength(2)

  const seen = (await page(auditor)) + (await auditor.call('GET', '/v1/webhooks')).text
  expect(seen).toContain(id)
  expect(seen).not.toContain('Test it')
  for (const hidden of [secret, '/hook', 'of-the-receiver'])
    expect(seen + (await page())).not.toContain(hidden)
  for (const refused of [
    await auditor.submit(`/webhooks/${id}/test`),
    await approver.get('/webhooks'),
    await approver.call('GET', '/v1/webhooks'),
    await approver.call('POST', `/v1/webhooks/${id}/test`, {}),
  ])
    expect(refused.status).toBe(403)
  expect((await admin.call('POST', '/v1/webhooks/whk_0/test', {})).status).toBe(404)
  expect(await eventsOf(id)).toMatchObject([
    { type: 'webhook.added' },
    { type: 'webhook.tested', actor: { kind: 'operator', id: admin.id } },
    { type: 'webhook.tested', actor: { kind: 'operator', id: admin.id } },
  ])
})
