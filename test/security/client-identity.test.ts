import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { oddCertificate } from '../support/odd-certificates.ts'
import { send, sendRaw } from '../support/request.ts'

let house: House
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
})
afterAll(() => house.close())

const post = { method: 'POST', path: '/v1/messages', headers: { 'content-type': 'application/json' } }
const refusals = async () =>
  (
    await house.owner('audit_events').where({ type: 'client.refused' }).orderBy('seq').pluck<string[]>('body')
  ).map(body => (JSON.parse(body) as { reason: string }).reason)

/** Each one is logged; in the audit log, what comes again within a minute is counted. */
const logged = () =>
  house
    .log()
    .split('\n')
    .filter(line => line.includes('"client-refused"'))
    .map(line => (JSON.parse(line) as { reason: string }).reason)

async function isCutOff(identity: Identity | undefined, reason: string): Promise<void> {
  const before = logged()
  const tls = identity === undefined ? {} : { cert: identity.certificate, key: identity.key }
  await expect(send(house, { ...post, ...tls }, '{}')).rejects.toThrow()
  await expect.poll(logged).toEqual([...before, reason])
  await expect.poll(refusals).toContain(reason)
}

test('no client certificate: cut off before HTTP, and audited', () => isCutOff(undefined, 'no_certificate'))

test('a certificate of another CA: cut off, and audited', async () => {
  const other = await createAuthority({ commonName: 'other CA', days: 1 })
  await isCutOff(
    await issueClientCertificate(other, { uri: 'urn:test:billing', days: 1 }),
    'untrusted_certificate',
  )
})

test('an expired certificate: cut off, and audited', async () => {
  const expired = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: -1 })
  await isCutOff(expired, 'untrusted_certificate')
})

test('a server certificate used as client: cut off, and audited', async () => {
  const server = await issueServerCertificate(house.authority, { dnsNames: ['billing.test'], days: 1 })
  await isCutOff(server, 'untrusted_certificate')
})

test('a certificate without any extended key usage: cut off, audited, and the gateway goes on', async () => {
  await isCutOff(await oddCertificate.rsa(house.authority, 'billing.test'), 'not_a_client_certificate')
  expect((await house.client.get('/v1/messages/x')).status).toBe(404)
})

test('a certificate whose name nobody registered is refused, and audited', async () => {
  const stranger = await house.clientNamed('urn:test:stranger')
  expect(await stranger.post({})).toMatchObject({ status: 403, body: { code: 'application_unknown' } })
  const last = await house.owner('audit_events').orderBy('seq', 'desc').first<{ body: string }>('body')
  expect(JSON.parse(last.body)).toMatchObject({
    type: 'request.refused',
    code: 'application_unknown',
    actor: { kind: 'peer' },
  })
})

test('a forged identity header changes nothing', async () => {
  const stranger = await issueClientCertificate(house.authority, { uri: 'urn:test:stranger', days: 1 })
  const forged = { 'x-forwarded-client-cert': 'URI=urn:test:billing', 'x-ssl-client-san': 'urn:test:billing' }
  const answer = await send(
    house,
    { ...post, headers: { ...post.headers, ...forged }, cert: stranger.certificate, key: stranger.key },
    '{}',
  )
  expect(answer.status).toBe(403)
})

test('plain HTTP on the TLS port gets not one byte', async () => {
  const answer = await new Promise<string>(resolve => {
    let said = ''
    const socket = connect(house.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    socket.on('data', chunk => {
      said += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(said))
  })
  expect(answer).not.toContain('HTTP')
})

test.each([
  ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }],
  ['a suite without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384' }],
] as const)('%s is refused', async (_name, tls) => {
  const client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  const strength = { ...tls, ciphers: `${'ciphers' in tls ? tls.ciphers : 'DEFAULT'}:@SECLEVEL=0` }
  const answer = await sendRaw(
    house,
    { cert: client.certificate, key: client.key, ...strength },
    'GET /v1/messages/x HTTP/1.1\r\nHost: localhost\r\n\r\n',
  )
  expect(answer).toBe('')
})

test('TLS 1.2 with forward secrecy is served', async () => {
  const client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  const answer = await send(house, {
    path: '/v1/messages/x',
    maxVersion: 'TLSv1.2',
    cert: client.certificate,
    key: client.key,
  })
  expect(answer.status).toBe(404)
})
