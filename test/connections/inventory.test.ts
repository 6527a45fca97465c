import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConnectionInventory } from '../../src/connections/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { fingerprintOf } from '../../src/platform/tls/index.ts'
import { formatVerifier, noteSigner } from '../../src/tlog/index.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
beforeAll(async () => {
  const key = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')
  const witness = { url: 'https://localhost:1', verifier: formatVerifier(key.verifier) }
  const anchors = { directory: undefined, witnesses: [witness], every: 60_000 }
  house = await openHouse({ roles: ['api'], anchors })
})
afterAll(() => house.close())

const sha256 = (pem: string): string => fingerprintOf(new X509Certificate(pem))

test('over the API operators see what the replica uses now: after a reload, the new files', async () => {
  const operator = await house.signedIn('anna', 'auditor')
  const listed = async () => {
    const answer = await operator.call('GET', '/v1/inventory')
    expect(answer.status).toBe(200)
    return (JSON.parse(answer.text) as { connections: ConnectionInventory }).connections
  }
  const api = async () => (await listed()).connections.find(({ name }) => name === 'listener-api')
  expect((await listed()).connections.map(({ name }) => name)).toContain('postgresql')
  expect((await listed()).connections.find(({ name }) => name === 'witness')).toMatchObject({
    place: 'https://localhost:1',
    peer: 'public_cas',
    revocation: 'none',
  })
  // This replica sends no mail.
  expect((await listed()).connections.map(({ name }) => name)).not.toContain('smtp')
  expect((await api())?.involved).toMatchObject([
    { what: 'own', sha256: sha256(house.serverIdentity.certificate) },
    { what: 'ca', sha256: sha256(house.authority.certificate) },
  ])

  const next = await createAuthority({ commonName: 'next CA', days: 1 })
  const own = await issueServerCertificate(house.authority, { dnsNames: ['localhost'], days: 1 })
  const files = { ...house.secrets, ...own, clientCa: next.certificate }
  expect(await house.gateway.reload(() => files)).toBe(true)
  expect((await api())?.involved).toMatchObject([
    { what: 'own', sha256: sha256(own.certificate) },
    { what: 'ca', sha256: sha256(next.certificate) },
  ])
})
