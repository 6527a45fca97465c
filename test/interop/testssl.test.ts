import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from '../support/house.ts'
import { createRevokingAuthority, hour } from '../support/revoking-authority.ts'
import { type Finding, scan, worseThanLow } from './testssl.ts'

let house: House
let caPem: string
let identity: { certificate: string; key: string }
beforeAll(async () => {
  const ca = await createRevokingAuthority()
  caPem = ca.certificate.toString()
  // What a CA in earnest puts in: where its list is, and an end that is not near.
  const own = await ca.issue({
    name: 'localhost',
    lists: ['http://ca.test/list.crl'],
    ends: new Date(Date.now() + 90 * 24 * hour),
  })
  identity = { certificate: `${own.pem.certificate}\n${caPem}`, key: own.pem.key }
  house = await openHouse({ roles: ['api'] })
  expect(
    await house.gateway.reload(() => ({ ...house.secrets, ...identity, publicIdentity: identity })),
  ).toBe(true)
})
afterAll(() => house.close())

const say = ({ id, severity, finding }: Finding): string => `${severity} ${id}: ${finding}`
const verdict = (findings: readonly Finding[], id: string) =>
  findings.find(finding => finding.id === id)?.severity

test('testssl.sh finds nothing above "low" at the listeners', { timeout: 300_000 }, async () => {
  const [people, applications] = await Promise.all([
    // Protocols, cipher categories, preferences, certificate, known attacks.
    scan(house.gateway.publicPort ?? 0, caPem, ['-p', '-s', '-P', '-S', '-U']),
    // Without a client certificate no HTTP is reached here: what a stranger can do to the handshake.
    scan(house.port, caPem, ['-p', '-s', '-H', '-I', '-R']),
  ])
  expect(worseThanLow(people).map(say)).toEqual([])
  expect(worseThanLow(applications).map(say)).toEqual([])
  for (const found of [people, applications]) {
    // It did look; and what is old may be no finding at all, for testssl.sh finds TLS 1.1 only "low".
    for (const id of ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1'])
      expect([id, verdict(found, id)]).toEqual([id, expect.stringMatching(/^(?:OK|INFO)$/)])
    for (const id of ['TLS1_2', 'TLS1_3', 'heartbleed', 'CCS'])
      expect([id, verdict(found, id)]).toEqual([id, 'OK'])
  }
  expect(verdict(people, 'cert_trust')).toBe('OK')
  expect(
    ['ROBOT', 'CRIME_TLS', 'BREACH', 'SWEET32', 'LOGJAM', 'LUCKY13', 'RC4'].map(id => verdict(people, id)),
  ).not.toContain(undefined)
})

test('and it would: a server with CBC is not let through', { timeout: 120_000 }, async () => {
  const { certificate: cert, key } = identity
  const weak = createServer({ cert, key, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, socket =>
    socket.end(),
  )
  weak.on('tlsClientError', () => undefined)
  weak.listen(0, '127.0.0.1')
  await once(weak, 'listening')
  const found = worseThanLow(await scan((weak.address() as AddressInfo).port, caPem, ['-s']))
  expect(found.map(({ id }) => id)).not.toEqual([])
  weak.close()
})
