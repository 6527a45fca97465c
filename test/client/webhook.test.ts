import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { SealpostApiError, verifyWebhook } from '../../src/client/index.ts'

// The example of https://www.standardwebhooks.com and its libraries.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const body = '{"test": 2432232314}'
const now = new Date(1_614_265_330_000)
const headers = {
  'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  'webhook-timestamp': '1614265330',
  'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const other = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const later = (seconds: number) => ({ now: new Date(now.getTime() + seconds * 1_000) })

test('a call that is signed as the standard says is what it says', () => {
  const said = { test: 2432232314 }
  expect(verifyWebhook(headers, body, secret, { now })).toEqual(said)
  expect(verifyWebhook(headers, Buffer.from(body), [other, secret], { now })).toEqual(said)
  expect(verifyWebhook(new Headers(headers), body, [secret, other], later(300))).toEqual(said)
  const both = {
    ...headers,
    'webhook-signature': `v1,${'A'.repeat(43)}= v1a,x ${headers['webhook-signature']}`,
  }
  expect(verifyWebhook(both, body, secret, later(-300))).toEqual(said)
})

test.each([
  ['another secret', headers, body, other, 0],
  ['another body', headers, `${body} `, secret, 0],
  ['another id', { ...headers, 'webhook-id': 'msg_2' }, body, secret, 0],
  ['another time', { ...headers, 'webhook-timestamp': '1614265331' }, body, secret, 0],
  ['no signature', { ...headers, 'webhook-signature': '' }, body, secret, 0],
  ['no header', {}, body, secret, 0],
  ['half a signature', { ...headers, 'webhook-signature': 'v1,g0hM' }, body, secret, 0],
  [
    'another scheme',
    { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1', 'v2') },
    body,
    secret,
    0,
  ],
  ['a call of the past', headers, body, secret, 301],
  ['a call of the future', headers, body, secret, -301],
  ['no secret', headers, body, [], 0],
])('%s is refused', (_, given, text, secrets, seconds) => {
  const call = () => verifyWebhook(given, text, secrets, later(seconds))
  expect(call).toThrow(SealpostApiError)
  expect(call).toThrow(expect.objectContaining({ code: 'webhook_refused' }) as Error)
})

test('a time that is no number is refused, whoever signed it', () => {
  const given = { ...headers, 'webhook-timestamp': 'NaN' }
  const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(
    `${headers['webhook-id']}.NaN.${body}`,
  )
  const signed = { ...given, 'webhook-signature': `v1,${mac.digest('base64')}` }
  expect(() => verifyWebhook(signed, body, secret, { now })).toThrow(SealpostApiError)
})

test.each(['', 'whsec_', 'whsec_AAAA', secret.slice(6)])('%j is no secret to trust in', weak => {
  expect(() => verifyWebhook(headers, body, weak, { now })).toThrow(TypeError)
})
