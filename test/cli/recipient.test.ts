import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { insertCertificate, insertRecipient } from '../support/recipients.ts'
import { approvePolicy, setDestination } from '../support/shortcut.ts'

let database: TestDatabase
let owner: Database
let directory: string
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 })
  await approvePolicy(owner.knex)
  directory = mkdtempSync(join(tmpdir(), 'sealpost-recipient-'))
})
afterAll(async () => {
  await owner.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

function run(...args: readonly string[]) {
  const settings = {
    ...asOwnerOf(database),
    SEALPOST_MAIL_HOST: 'gateway.pay.test',
    SEALPOST_PUBLIC_URL: 'https://enrol.pay.test',
    SEALPOST_ORGANISATION: 'Pay',
    SEALPOST_NOTICE_FROM: 'notices@pay.test',
  }
  return command(['recipient', ...args], settings, directory)
}

const details = [
  '--organisation',
  'Bank',
  '--kind',
  'customer',
  '--phone',
  '+31 20 123 4567',
  '--retention-days',
  '30',
]

test('invite, list and show; a second invitation of the address is refused', async () => {
  const invited = await run('invite', 'ann@bank.test', ...details, '--attestation', 'aoc:A: 17:2099-06-30')
  expect(invited).toMatchObject({ status: 0, stderr: '' })
  expect(invited.stdout).toMatch(
    /^rcp_\w{26} ann@bank\.test is invited; the link waits, for bank\.test has no rule/,
  )
  const shown = JSON.parse((await run('show', 'ann@bank.test', '--json')).stdout) as Record<string, unknown>
  expect(shown).toMatchObject({
    state: 'invited',
    step: 'propose',
    missing: ['retention'],
    attestations: [{ kind: 'aoc', reference: 'A: 17', validUntil: '2099-06-30T23:59:59.999Z' }],
  })
  expect((await run('show', String(shown['id']))).stdout).toContain('next step            propose')
  expect((await run('list', '--state', 'invited')).stdout).toMatch(
    /^rcp_\w{26} {2}invited {2}customer {2}ann@bank\.test/,
  )
  const again = await run('invite', 'ann@bank.test', ...details)
  expect(again.status).toBe(2)
  expect(again.stderr).toMatch(/^name_taken/)
})

test('an invitation to a domain with a rule is on its way', async () => {
  await setDestination(owner.knex, 'routed.test', { mode: 'auto' })
  expect((await run('invite', 'ann@routed.test', ...details)).stdout).toContain('the link is on its way')
})

test('what is wrong with an invitation is told by place', async () => {
  const { status, stderr } = await run(
    'invite',
    'bob@bank.test',
    ...details,
    '--phone',
    '4111 1111 1111 1111',
  )
  expect(status).toBe(2)
  expect(stderr).toMatch(/^usage: .*phone malformed/)
  expect(stderr).not.toContain('4111')
  expect(await run('show', 'bob@bank.test')).toMatchObject({ status: 2 })
})

test('import reports each line that it did not take', async () => {
  const file = join(directory, 'people.csv')
  writeFileSync(
    file,
    'address,organisation,kind,phone,retentionDays\ncarl@bank.test,Bank,supplier,+31 20 123 4567,30\nx,Bank,supplier,1,30\n',
  )
  const { status, stdout } = await run('import', file)
  expect(status).toBe(2)
  expect(stdout).toBe(
    'line 3: invalid_request (address malformed, phone malformed)\ninvited: 1, refused: 1\nbank.test has no rule: nothing is sent there\n',
  )
  expect((await run('import', join(directory, 'none.csv'))).stderr).toMatch(/^usage: .*ENOENT/)
})

test('suspend and unenrol take effect at once; there is no command that approves', async () => {
  const who = await insertRecipient(owner.knex)
  await insertCertificate(owner.knex, who)
  expect((await run('suspend', who.address)).stdout).toBe(`${who.recipient} is suspended\n`)
  expect(await run('suspend', who.address)).toMatchObject({ status: 2 })
  expect((await run('unenrol', who.recipient)).stdout).toBe(`${who.recipient} is unenrolled\n`)
  expect((await run('renew-link', who.recipient)).stderr).toMatch(/^state_conflict/)
  expect((await run('approve', who.recipient)).status).toBe(2)
  expect((await run('--help')).stdout).not.toMatch(/approve|activate|reinstate/)
  const events = await owner
    .knex('audit_events')
    .whereLike('type', 'recipient.%')
    .orderBy('seq')
    .pluck<string[]>('body')
  expect(events.slice(-2).map(body => JSON.parse(body) as unknown)).toMatchObject([
    { type: 'recipient.suspended', actor: { kind: 'host' }, recipient: who.recipient },
    { type: 'recipient.unenrolled', actor: { kind: 'host' }, recipient: who.recipient },
  ])
})
