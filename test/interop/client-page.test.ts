import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { attempt, openWorkplace, run, type Workplace } from './run.ts'

const root = join(import.meta.dirname, '../..')
const page = await readFile(join(root, 'docs/client.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text)

let house: House
let workplace: Workplace
/** In the directory that the page is about. */
const there = (command: string, ...args: readonly string[]) =>
  run('env', ['--chdir', workplace.path, command, ...args])
/** As it stands on the page, but for where the gateway is. */
const placed = (text: string): string =>
  text
    .replaceAll('sealpost.bank.example:8443', `localhost:${house.port}`)
    .replace('"sealpost.bank.example", 8443', `"localhost", ${house.port}`)

beforeAll(async () => {
  house = await openHouse()
  await house.addRecipient('disputes@acquirer.example')
  workplace = await openWorkplace()
  const client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  const files = {
    'ca.pem': house.authority.certificate,
    'client.pem': client.certificate,
    'client.key': client.key,
    'cases.csv': '4111 1111 1111 1111;12.50\r\n',
    'message.json': JSON.stringify({
      from: house.sender,
      to: ['disputes@acquirer.example'],
      subject: 'Chargeback 2026-1147',
      text: 'Card 4111 1111 1111 1111',
      reference: 'chargeback-1147',
    }),
  }
  for (const [name, content] of Object.entries(files)) await workplace.file(name, content)
})
afterAll(async () => {
  await workplace[Symbol.asyncDispose]()
  await house.close()
})

const status = {
  state: expect.stringMatching(/^(?:queued|delivered)$/) as string,
  reference: 'chargeback-1147',
}

test('TypeScript: the package is built, packed, installed elsewhere, and works there, types and all', async () => {
  await run('npm', ['--prefix', root, 'run', '--silent', 'build:client'])
  await run('npm', ['pack', '--silent', join(root, 'dist/client'), '--pack-destination', workplace.path])
  await workplace.file('package.json', '{ "type": "module", "private": true }')
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const tarball = `./sealpost-client-${version}.tgz`
  await there('npm', 'install', '--silent', '--offline', '--no-audit', '--no-fund', tarball)
  await mkdir(join(workplace.path, 'node_modules/@types'))
  await symlink(join(root, 'node_modules/@types/node'), join(workplace.path, 'node_modules/@types/node'))

  const [send = '', updates = '', webhook = ''] = blocks('ts')
  await workplace.file('send.ts', placed(send))
  await workplace.file(
    'parts.ts',
    `import { createServer, type ServerOptions } from 'node:https'
     import { text } from 'node:stream/consumers'
     import { type DeliveryState, type SealpostClient, verifyWebhook } from 'sealpost-client'
     declare const sealpost: SealpostClient
     declare const tls: ServerOptions
     declare const secrets: readonly string[]
     declare function readPlace(): Promise<string | undefined>
     declare function keepPlace(id: string): Promise<void>
     declare function bookOutcome(reference: string | undefined, recipient: string, state: DeliveryState): Promise<void>
     ${updates}
     ${webhook}`,
  )
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
  const compilerOptions = { ...strict, module: 'nodenext', target: 'es2023', noEmit: true, types: ['node'] }
  await workplace.file('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  expect((await attempt(join(root, 'node_modules/.bin/tsc'), ['-p', workplace.path])).output.toString()).toBe(
    '',
  )

  const before = house.inbox.length
  const { output } = await there(process.execPath, 'send.ts')
  expect(output.toString()).toMatch(/^msg_[0-9a-z]{26} delivered\n$/)
  await house.received(before + 1)

  await writeFile(join(workplace.path, 'ca.pem'), house.mailAuthority.certificate)
  const refused = await attempt('env', ['--chdir', workplace.path, process.execPath, 'send.ts'])
  await writeFile(join(workplace.path, 'ca.pem'), house.authority.certificate)
  expect(refused).toMatchObject({
    status: 1,
    complaint: expect.stringContaining('connection_failed') as string,
  })
})

test('curl', async () => {
  const [script = ''] = blocks('sh')
  const before = house.inbox.length
  const { output } = await there('sh', '-euc', placed(script))
  expect(JSON.parse(output.toString())).toMatchObject(status)
  await house.received(before + 1)
})

test('Python', async () => {
  const [script = ''] = blocks('python')
  const before = house.inbox.length
  const { output } = await there('python3', '-c', placed(script))
  expect(JSON.parse(output.toString())).toMatchObject(status)
  await house.received(before + 1)
})

test('Java', async () => {
  const [, conversion = ''] = /`openssl (pkcs12 -export [^`]*)`/.exec(page) ?? []
  await there('openssl', ...conversion.split(' '))
  const [source = ''] = blocks('java')
  await workplace.file('Send.java', placed(source))
  const before = house.inbox.length
  const { output } = await there('java', 'Send.java')
  expect(JSON.parse(output.toString())).toMatchObject(status)
  await house.received(before + 1)
})
