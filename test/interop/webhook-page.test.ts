import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { signedHeaders } from '../../src/webhooks/sign.ts'
import { saysNode, saysPython } from '../webhooks/documented.ts'

const made = () => {
  const secret = randomBytes(32)
  return { secret, text: `whsec_${secret.toString('base64')}` }
}

test('what docs/webhooks.md shows for Python and for Node tells genuine calls from others, and both agree', () => {
  const [former, current, other] = [made(), made(), made()]
  const body = JSON.stringify({ type: 'delivery.delivered', data: { reference: 'é-1' } })
  const sign = (at: Date, ...secrets: readonly Uint8Array[]) =>
    signedHeaders('call-b', at, Buffer.from(body), secrets)
  const now = new Date()
  const headers = sign(now, current.secret, former.secret)
  const secrets = [current.text]
  const genuine = [
    { headers, body, secrets },
    { headers, body, secrets: [former.text] },
    { headers, body, secrets: [other.text, former.text] },
  ]
  const unknown = [
    { headers, body, secrets: [other.text] },
    { headers, body, secrets: [] },
    { headers, body: body.replace('delivered', 'failed'), secrets },
    { headers: { ...headers, 'webhook-id': 'call-c' }, body, secrets },
    {
      headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) },
      body,
      secrets,
    },
    {
      headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replaceAll('v1,', 'v2,') },
      body,
      secrets,
    },
    { headers: { ...headers, 'webhook-signature': '' }, body, secrets },
  ]
  const old = [-600_000, 600_000].map(by => {
    const at = new Date(now.getTime() + by)
    return { headers: sign(at, current.secret), body, secrets }
  })
  const cases = [...genuine, ...unknown, ...old]
  const python = saysPython(cases)
  expect(python).toEqual([
    ...genuine.map(() => JSON.parse(body) as unknown),
    ...unknown.map(() => 'no signature of ours'),
    ...old.map(() => 'too old, or from the future'),
  ])
  expect(saysNode(cases)).toEqual(python)
})
