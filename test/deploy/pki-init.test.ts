import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { pkiCommand } from '../../src/cli/commands/pki.ts'
import { compose } from './compose-file.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sealpost-pki-'))
const directory = join(scratch, 'secrets')
const init = (...options: string[]): Promise<unknown> =>
  pkiCommand().parseAsync(['init', directory, ...options], { from: 'user' })
const read = (name: string): string => readFileSync(join(directory, name), 'utf8')

beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await init('--gateway', 'sealpost.bank.test', '--application', 'urn:sealpost:app:billing')
})
afterAll(() => {
  vi.restoreAllMocks()
  rmSync(scratch, { recursive: true })
})

test('makes every secret that the compose file names, where it looks for it', () => {
  const wanted = Object.values(compose.secrets).map(({ file }) => file)
  expect(wanted.every(file => file.startsWith('deploy/secrets/'))).toBe(true)
  const made = readdirSync(directory)
  expect(
    wanted.map(file => file.slice('deploy/secrets/'.length)).filter(name => !made.includes(name)),
  ).toEqual([])
})

test('lets nobody but its owner read anything', () => {
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
})

test('refuses to overwrite, and changes nothing', async () => {
  const before = readdirSync(directory).map(read)
  await expect(init()).rejects.toMatchObject({ code: 'usage' })
  expect(readdirSync(directory).map(read)).toEqual(before)
})

test('gives servers and applications CAs of their own', () => {
  const [servers, applications] = ['servers-ca', 'applications-ca'].map(
    name => new X509Certificate(read(`${name}.pem`)),
  ) as [X509Certificate, X509Certificate]
  const gateway = new X509Certificate(read('gateway.pem'))
  const application = new X509Certificate(read('application.pem'))
  expect(gateway.verify(servers.publicKey)).toBe(true)
  expect(gateway.verify(applications.publicKey)).toBe(false)
  expect(gateway.checkHost('sealpost.bank.test')).toBe('sealpost.bank.test')
  expect(application.verify(applications.publicKey)).toBe(true)
  expect(application.verify(servers.publicKey)).toBe(false)
  expect(application.subjectAltName).toBe('URI:urn:sealpost:app:billing')
  expect(gateway.checkPrivateKey(createPrivateKey(read('gateway.key')))).toBe(true)
})

test('makes four different passwords of 256 bits', () => {
  const passwords = ['superuser', 'owner', 'gateway', 'auditor'].map(role =>
    read(`database-${role}-password`),
  )
  expect(new Set(passwords).size).toBe(4)
  for (const password of passwords) expect(password).toMatch(/^[A-Za-z0-9_-]{43}\n$/)
})
