import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { initSigningKey } from '../../src/custody/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { quickToDerive } from '../support/shortcut.ts'

const directory = mkdtempSync(join(tmpdir(), 'sealpost-webhook-'))
let database: TestDatabase
let owner: ReturnType<typeof openDatabase>

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 })
  const { knex } = owner
  await initSigningKey(
    knex,
    systemClock,
    generateSigningKey,
    'gateway@gateway.test' as Address,
    'right',
    quickToDerive,
  )
  await addApplication(knex, systemClock, {
    name: 'billing',
    san: 'URI:urn:test:billing',
    senders: ['@a.test'],
  })
})
afterAll(async () => {
  await owner.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

const run = (...args: readonly string[]) => command(['webhook', ...args], asOwnerOf(database))
function runWith(passphrase: string, ...args: readonly string[]) {
  const path = join(directory, 'passphrase')
  writeFileSync(path, `${passphrase}\n`)
  return run(...args, '--passphrase-fd', String(openSync(path, 'r')))
}
const events = async () => {
  const bodies = await owner
    .knex('audit_events')
    .whereLike('type', 'webhook.%')
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Record<string, unknown>)
}

test('a webhook is added, rotated, enabled and removed; each leaves its event, and the secrets stand nowhere', async () => {
  const url = 'https://hooks.example/in?token=abc'
  const added = await runWith('right', 'add', 'billing', url, '--json')
  expect(added).toMatchObject({ status: 0 })
  const { id, secret } = JSON.parse(added.stdout) as { id: string; secret: string }
  const listed = await run('list')
  expect(listed.stdout).toMatch(
    new RegExp(`^${id} {2}billing {2}\\S+ {2}in force {2}never called {2}0 waiting$`, 'm'),
  )
  const rotated = await runWith('right', 'rotate', id, '--overlap-hours', '1')
  expect(rotated).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/m) as string,
  })
  expect(rotated.stdout).not.toContain(secret)
  expect(await run('enable', id)).toMatchObject({ status: 2 })
  await owner.knex('webhooks').update({ disabled_at: new Date() })
  expect((await run('list')).stdout).toContain('disabled')
  expect(await run('enable', id)).toMatchObject({ status: 0 })
  expect(await run('remove', id)).toMatchObject({ status: 0 })
  expect((await run('list', '--json')).stdout.trim()).toBe('[]')
  expect(await owner.knex('webhook_secrets')).toEqual([])
  expect(await events()).toMatchObject([
    { type: 'webhook.added', webhook: id, host: 'hooks.example', actor: { kind: 'host' } },
    { type: 'webhook.secret.rotated' },
    { type: 'webhook.enabled' },
    { type: 'webhook.removed' },
  ])
  expect(JSON.stringify(await events())).not.toContain('token')
})

test.each([
  [
    'the wrong passphrase',
    () => runWith('wrong', 'add', 'billing', 'https://hooks.example/'),
    'passphrase_wrong',
  ],
  [
    'an application that is not there',
    () => runWith('right', 'add', 'nobody', 'https://hooks.example/'),
    'not_found',
  ],
  ['a URL without TLS', () => runWith('right', 'add', 'billing', 'http://hooks.example/'), 'usage'],
  ['an overlap without end', () => runWith('right', 'rotate', 'whk_0', '--overlap-hours', '169'), 'usage'],
  ['a webhook that is not there', () => run('remove', `whk_${'0'.repeat(26)}`), 'not_found'],
  ['what is no webhook', () => run('test', 'all'), 'not_found'],
])('%s is refused', async (_what, attempt, code) => {
  const before = await events()
  const refused = await attempt()
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining(code) as string })
  expect(await events()).toEqual(before)
})
