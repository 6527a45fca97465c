import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asOwnerOf, command } from '../support/command.ts'
import { openPost, type Post } from '../support/post.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'

let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())

function run(...args: readonly string[]) {
  return command(args, {
    ...asOwnerOf(post.database),
    SEALPOST_MAIL_HOST: 'gateway.test',
    SEALPOST_PUBLIC_URL: 'https://keys.gateway.test',
    SEALPOST_ORGANISATION: 'Payments Test',
  })
}

const unknown = 'F'.repeat(40)

describe('key revoke', () => {
  test('revokes at once, stops what waits, and tells the recipient; a second time changes nothing', async () => {
    const { certificate, delivery, recipient } = await post.acceptOne('a@bank.test')
    const spaced = certificate.toLowerCase().replace(/.{4}(?=.)/g, '$& ')
    const { status, stdout } = await run('key', 'revoke', spaced, '--reason', 'compromised')
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

    const again = await run('key', 'revoke', certificate, '--reason', 'left', '--json')
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
  ])('%j is refused', async (args, words) => {
    const { status, stderr, stdout } = await run('key', ...args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(words)
  })
})

test('key exposure gives CSV, or JSON, of what the key opens', async () => {
  const { certificate, delivery } = await post.acceptOne('b@bank.test')
  const csv = await run('key', 'exposure', certificate)
  expect(csv.status).toBe(0)
  expect(csv.stdout.split('\r\n')).toHaveLength(3)
  expect(csv.stdout).toContain(`"${delivery}"`)
  const json = await run('key', 'exposure', certificate, '--json', '--since', '2000-01-01')
  expect(JSON.parse(json.stdout)).toMatchObject({ certificate, deliveries: 1, rows: [{ delivery }] })
  const later = await run('key', 'exposure', certificate, '--json', '--since', '2199-01-01')
  expect(JSON.parse(later.stdout)).toMatchObject({ deliveries: 0, rows: [] })
})

test('key list and key show say how a certificate stands', async () => {
  const pin = await insertCertificate(post.owner, await insertRecipient(post.owner), { state: 'retired' })
  const { stdout } = await run('key', 'list', '--state', 'retired')
  expect(stdout).toMatch(
    new RegExp(`^${pin.certificate}  retired  ${pin.address}  .*seipdv1  no end  subkey `, 'm'),
  )
  const all = JSON.parse((await run('key', 'list', '--json')).stdout) as {
    fingerprint: string
    state: string
  }[]
  expect(all.find(({ fingerprint }) => fingerprint === pin.certificate)).toMatchObject({ state: 'retired' })
  // Another subkey of the same key is told apart.
  const newer = await insertCertificate(post.owner, pin, { under: pin.certificate })
  const both = (await run('key', 'list')).stdout.split('\n')
  for (const { encryptionSubkey } of [pin, newer])
    expect(
      both.filter(line => line.startsWith(pin.certificate) && line.includes(encryptionSubkey)),
    ).toHaveLength(1)
  const shown = await run('key', 'show', pin.certificate)
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
  const inventory = JSON.parse((await run('inventory', '--json')).stdout) as {
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
  const { stdout } = await run('inventory')
  expect(stdout).toContain('signing key: ABCD ABCD')
  expect(stdout).toMatch(/^ +2 {2}\S+ {2}seipdv2 {2}active {2}in_30_days$/m)
})
