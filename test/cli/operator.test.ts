import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signIn } from '../../src/access/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
let owner: Database
let directory: string
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 })
  directory = mkdtempSync(join(tmpdir(), 'sealpost-operator-'))
})
afterAll(async () => {
  await owner.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

function run(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  const console = { SEALPOST_CONSOLE_URL: 'https://sealpost.bank.test:8444' }
  return command(['operator', ...args], { ...asOwnerOf(database), ...console, ...settings }, directory)
}

const invite = (name: string, ...more: readonly string[]) =>
  run(['invite', name, '--address', `${name}@bank.test`, '--role', 'admin', ...more])

const linkIn = (text: string): RegExpExecArray | null =>
  /https:\/\/sealpost\.bank\.test:8444\/sign-in\/([A-Za-z0-9_-]{43})/.exec(text)

const enter = (text: string) => signIn(owner.knex, systemClock, linkIn(text)?.[1] ?? '')

test('invite prints a link, alone on its line, that signs the operator in', async () => {
  const { status, stdout, stderr } = await invite('anna', 'approver')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const [first, link, end] = stdout.split('\n')
  expect(first).toMatch(
    /^opr_\w{26} anna \(admin, approver\) signs in once, until \d{4}-\d\d-\d\d \d\d:\d\d UTC:$/,
  )
  expect([link, end]).toEqual([linkIn(stdout)?.[0], ''])
  const { operator } = await enter(stdout)
  expect(operator).toMatchObject({ name: 'anna', address: 'anna@bank.test', roles: ['admin', 'approver'] })
})

test('sign-in prints a new link; the earlier one is dead', async () => {
  const first = await invite('bert', '--json')
  expect(JSON.parse(first.stdout)).toMatchObject({
    operator: { name: 'bert', roles: ['admin'], revokedAt: null },
    link: linkIn(first.stdout)?.[0],
    expiresAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  })
  const second = await run(['sign-in', 'bert'])
  expect(second.status).toBe(0)
  await expect(enter(first.stdout)).rejects.toMatchObject({ code: 'link_invalid' })
  await expect(enter(second.stdout)).resolves.toMatchObject({ operator: { name: 'bert' } })
})

test('list shows everybody that ever was, without a token; revoke ends one', async () => {
  const { stdout: link } = await invite('cleo')
  const { status, stdout } = await run(['revoke', 'cleo'])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^opr_\w{26} is revoked\n$/)
  await expect(enter(link)).rejects.toMatchObject({ code: 'link_invalid' })
  expect((await run(['list'])).stdout).toMatch(/^opr_\w{26} {2}cleo {2}cleo@bank\.test {2}admin {2}revoked$/m)
  const listed = (await run(['list', '--json'])).stdout
  expect(JSON.parse(listed)).toContainEqual(
    expect.objectContaining({ name: 'cleo', revokedAt: expect.any(String) as string }),
  )
  expect(listed).not.toContain(linkIn(link)?.[1])
})

describe('exit code 2 and a code on standard error:', () => {
  test.each<[string, string, readonly string[]]>([
    ['revoking nobody', 'not_found', ['revoke', 'nobody']],
    ['a link for nobody', 'not_found', ['sign-in', 'nobody']],
    ['an unknown role', 'usage', ['invite', 'x', '--address', 'x@bank.test', '--role', 'root']],
    ['an address that is none', 'usage', ['invite', 'x', '--address', 'X <x@bank.test>', '--role', 'admin']],
    [
      'a name for the terminal',
      'usage',
      ['invite', '\u001b[2J', '--address', 'x@bank.test', '--role', 'admin'],
    ],
  ])('%s', async (_, code, args) => {
    const { status, stdout, stderr } = await run(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^${code}: `))
    expect(stderr).not.toContain('\u001b')
  })

  test('a name that is taken', async () => {
    await invite('dora')
    expect(await invite('dora')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^name_taken: /) as string,
    })
  })

  test('no role, no address', async () => {
    for (const args of [
      ['invite', 'x', '--address', 'x@bank.test'],
      ['invite', 'x', '--role', 'admin'],
    ]) {
      expect((await run(args)).status).toBe(2)
    }
  })

  test.each(['', 'http://sealpost.bank.test', 'https://sealpost.bank.test/console'])(
    'no usable SEALPOST_CONSOLE_URL (%j): and then nobody is added',
    async url => {
      const args = ['invite', 'erna', '--address', 'erna@bank.test', '--role', 'admin']
      expect(await run(args, { SEALPOST_CONSOLE_URL: url })).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^config_invalid: /) as string,
      })
      expect(await owner.knex('operators').where({ name: 'erna' })).toEqual([])
    },
  )
})
