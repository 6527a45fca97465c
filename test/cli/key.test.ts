import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openPost, type Post } from '../support/post.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'

// Each starts the program, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const program = new URL('../../bin/sealpost', import.meta.url).pathname
let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())

function run(...args: readonly string[]) {
  const { owner } = post.database
  if (owner.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: tmpdir(),
    env: {
      PATH: process.env['PATH'] ?? '',
      SEALPOST_DATABASE_SOCKET: owner.directory,
      SEALPOST_DATABASE_NAME: owner.database,
      SEALPOST_MAIL_HOST: 'gateway.test',
      SEALPOST_PUBLIC_URL: 'https://keys.gateway.test',
      SEALPOST_ORGANISATION: 'Payments Test',
    },
  })
  return { status, stdout, stderr }
}

const unknown = 'F'.repeat(40)

describe('key revoke', () => {
  test('revokes at once, stops what waits, and tells the recipient; a second time changes nothing', async () => {
    const { certificate, delivery, recipient } = await post.acceptOne('a@bank.test')
    const spaced = certificate.toLowerCase().replace(/.{4}(?=.)/g, '$& ')
    const { status, stdout } = run('key', 'revoke', spaced, '--reason', 'compromised')
    expect(status).toBe(0)
    expect(stdout).toContain(`${certificate} is revoked; deliveries stopped: 1\n`)
    expect(stdout).toContain(`sealpost key exposure ${certificate}`)
    const row: unknown = await post.owner('certificates').where({ fingerprint: certificate }).first()
    expect(row).toMatchObject({ state: 'revoked', revoked_for: 'compromised' })
    expect(await post.owner('deliveries').where({ id: delivery }).first()).toMatchObject({
      state: 'failed',
      outcome: 'certificate_revoked',
    })
    expect(await post.owner('notices').where({ recipient_id: recipient }).pluck('kind')).toEqual(['revoked'])

    const again = run('key', 'revoke', certificate, '--reason', 'left', '--json')
    expect(JSON.parse(again.stdout)).toEqual({
      fingerprint: certificate,
      outcome: 'already_revoked',
      stopped: 0,
    })
    expect(await post.owner('certificates').where({ fingerprint: certificate }).first()).toEqual(row)
  })

  test.each([
    [['revoke', unknown, '--reason', 'left'], /^not_found: /],
    [['revoke', unknown], /--reason/],
    [['revoke', unknown, '--reason', 'boredom'], /compromised, superseded/],
    [['revoke', 'F'.repeat(16), '--reason', 'left'], /40 or 64/],
    [['exposure', unknown], /^not_found: /],
    [['exposure', unknown, '--csv', '--json'], /not both/],
    [['exposure', unknown, '--since', 'yesterday'], /ISO 8601/],
    [['show', unknown], /^not_found: /],
    [['list', '--state', 'gone'], /active, retired, revoked/],
  ])('%j is refused', (args, words) => {
    const { status, stderr, stdout } = run('key', ...args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(words)
  })
})

test('key exposure gives CSV, or JSON, of what the key opens', async () => {
  const { certificate, delivery } = await post.acceptOne('b@bank.test')
  const csv = run('key', 'exposure', certificate)
  expect(csv.status).toBe(0)
  expect(csv.stdout.split('\r\n')).toHaveLength(3)
  expect(csv.stdout).toContain(`"${delivery}"`)
  const json = run('key', 'exposure', certificate, '--json', '--since', '2000-01-01')
  expect(JSON.parse(json.stdout)).toMatchObject({ certificate, deliveries: 1, rows: [{ delivery }] })
  const later = run('key', 'exposure', certificate, '--json', '--since', '2199-01-01')
  expect(JSON.parse(later.stdout)).toMatchObject({ deliveries: 0, rows: [] })
})

test('key list and key show say how a certificate stands', async () => {
  const pin = await insertCertificate(post.owner, await insertRecipient(post.owner), { state: 'retired' })
  const { stdout } = run('key', 'list', '--state', 'retired')
  expect(stdout).toMatch(
    new RegExp(`^${pin.certificate}  retired  ${pin.address}  .*seipdv1  no end  subkey `, 'm'),
  )
  const all = JSON.parse(run('key', 'list', '--json').stdout) as { fingerprint: string; state: string }[]
  expect(all.find(({ fingerprint }) => fingerprint === pin.certificate)).toMatchObject({ state: 'retired' })
  // Another subkey of the same key is told apart.
  const newer = await insertCertificate(post.owner, pin, { under: pin.certificate })
  const both = run('key', 'list').stdout.split('\n')
  for (const { encryptionSubkey } of [pin, newer])
    expect(
      both.filter(line => line.startsWith(pin.certificate) && line.includes(encryptionSubkey)),
    ).toHaveLength(1)
  const shown = run('key', 'show', pin.certificate)
  expect(shown.status).toBe(0)
  expect(shown.stdout).toContain(pin.certificate.replace(/.{4}(?=.)/g, '$& '))
  expect(shown.stdout).toMatch(/in words +\w+( \w+){19}\n/)
  for (const { encryptionSubkey } of [pin, newer])
    expect(shown.stdout).toContain(encryptionSubkey.replace(/.{4}(?=.)/g, '$& '))
})

test('inventory counts by algorithm, format, state and end, and names our own key', async () => {
  const inDays = (days: number) => new Date(Date.now() + days * 24 * 3_600_000)
  for (const expiresAt of [inDays(-1), inDays(10), inDays(10), inDays(60), inDays(200), inDays(2000)]) {
    await insertCertificate(post.owner, await insertRecipient(post.owner), { expiresAt, format: 'seipdv2' })
  }
  await post.owner('signing_keys').insert({
    fingerprint: 'ABCD'.repeat(10),
    certificate: Buffer.from('x'),
    nonce: Buffer.from('x'),
    sealed: Buffer.from('x'),
    kdf: '{}',
    created_at: new Date('2026-01-02T00:00:00Z'),
  })
  const inventory = JSON.parse(run('inventory', '--json').stdout) as {
    signingKey: unknown
    certificates: { format: string; ending: string; certificates: number }[]
  }
  expect(inventory.signingKey).toMatchObject({ fingerprint: 'ABCD'.repeat(10), algorithm: 'eddsa-ed25519' })
  const found = inventory.certificates
    .filter(({ format }) => format === 'seipdv2')
    .map(({ ending, certificates }) => [ending, certificates])
  expect(Object.fromEntries(found)).toEqual({
    expired: 1,
    in_30_days: 2,
    in_90_days: 1,
    in_a_year: 1,
    later: 1,
  })
  const { stdout } = run('inventory')
  expect(stdout).toContain('signing key: ABCD ABCD')
  expect(stdout).toMatch(/^ +2 {2}\S+ {2}seipdv2 {2}active {2}in_30_days$/m)
})
