import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tunnelInForce } from '../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { encryptedClientHello, judgeIdentity, watchFiles } from '../../src/platform/tls/index.ts'
import { oddCertificate } from '../support/odd-certificates.ts'

const directory = mkdtempSync(join(tmpdir(), 'sealpost-own-tls-'))
afterAll(() => rmSync(directory, { recursive: true }))

let authority: Identity
let identity: Identity
beforeAll(async () => {
  authority = await createAuthority({ commonName: 'CA', days: 1 })
  identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
})

const rules = () => ({ now: new Date(), foreign: [] })
const flaw = (detail: string) => ({ code: 'tls_material_refused', details: { detail } })

test('exposure external: a chain that public CAs do not know is refused, one that they do is taken', async () => {
  await expect(judgeIdentity(identity, { ...rules(), publicly: true })).rejects.toMatchObject(
    flaw('not_publicly_trusted'),
  )
  await judgeIdentity(identity, { ...rules(), publicly: { roots: [authority.certificate] } })
  await judgeIdentity(identity, rules())
})

test('exposure external: a self-signed certificate is refused', async () => {
  const own = await createAuthority({ commonName: 'localhost', days: 1 })
  await expect(judgeIdentity(own, { ...rules(), publicly: true })).rejects.toMatchObject(
    flaw('certificate_of_a_ca'),
  )
})

test.each([
  ['without a subject alternative name', oddCertificate.commonNameOnly, 'certificate_without_names'],
  ['for clients', oddCertificate.clientUsage, 'certificate_not_for_servers'],
  ['that has ended', oddCertificate.expired, 'certificate_expired'],
])('a certificate %s is none for our listeners', async (_, make, detail) => {
  await expect(judgeIdentity(await make(authority, 'localhost'), rules())).rejects.toMatchObject(flaw(detail))
})

test('a chain out of order is none', async () => {
  const other = await createAuthority({ commonName: 'CA', days: 1 })
  const certificate = `${identity.certificate}${other.certificate}`
  await expect(judgeIdentity({ ...identity, certificate }, rules())).rejects.toMatchObject(
    flaw('chain_broken'),
  )
  await judgeIdentity(
    { ...identity, certificate: `${identity.certificate}${authority.certificate}` },
    rules(),
  )
})

test('a watch tells of new content once it holds still, behind links too, and not of the same content', async () => {
  const [first, second, link] = ['first', 'second', 'link'].map(name => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(first, 'one')
  writeFileSync(second, 'two')
  symlinkSync(first, link)
  let told = 0
  const stop = watchFiles([link, join(directory, 'absent')], 20, () => told++)
  await new Promise(resolve => setTimeout(resolve, 200))
  writeFileSync(first, 'one')
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(told).toBe(0)
  symlinkSync(second, `${link}.new`)
  renameSync(`${link}.new`, link)
  await expect.poll(() => told).toBe(1)
  stop()
  writeFileSync(second, 'three')
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(told).toBe(1)
})

const day = 86_400_000
const until = (days: number) => ({
  kind: 'tls' as const,
  host: 'db.test',
  port: 5432,
  database: 'sealpost',
  user: 'sealpost_gateway',
  ca: '',
  tunnel: { until: new Date(Date.now() + days * day), reason: 'until the upgrade' },
})

test('the exception for PostgreSQL holds until its day, ends, and cannot be for ever', () => {
  expect(tunnelInForce(until(30), new Date())).toMatchObject({ reason: 'until the upgrade' })
  expect(() => tunnelInForce(until(0), new Date())).toThrow(
    expect.objectContaining({ code: 'exception_expired' }),
  )
  expect(() => tunnelInForce(until(181), new Date())).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  expect(tunnelInForce({ ...until(-1), kind: 'socket', directory: '/run' }, new Date())).toBeUndefined()
})

// A canary: when Node learns it, docs/inventory.md has something new to say.
test('Node has no Encrypted Client Hello', () => {
  expect(encryptedClientHello()).toBe('unsupported')
})
