import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'
import { openWorkplace } from './run.ts'

// deploy/front/nginx.conf as it is, but for its paths, names, ports and the line for ECH, which needs a newer nginx than Debian has.

const front = 'messages.bank.example'
let house: House
let applications: Identity
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  applications = await createAuthority({ commonName: 'applications before the front', days: 1 })
  const billing = { name: 'billing-by-front', san: 'URI:urn:test:front', senders: [house.sender] }
  await addApplication(house.owner, systemClock, billing)
})
afterAll(() => house.close())

interface Front extends AsyncDisposable {
  readonly port: number
}

async function startFront(
  changes: { readonly serversCa?: string; readonly uri?: string } = {},
): Promise<Front> {
  await using opened = new AsyncDisposableStack()
  const place = opened.use(await openWorkplace())
  const own = await issueServerCertificate(house.authority, { dnsNames: [front], days: 1 })
  const forward = await issueClientCertificate(house.authority, {
    uri: changes.uri ?? 'urn:test:front',
    days: 1,
  })
  const files = {
    'front.pem': own.certificate,
    'front.key': own.key,
    'applications-ca.pem': applications.certificate,
    'billing.pem': forward.certificate,
    'billing.key': forward.key,
    'servers-ca.pem': changes.serversCa ?? house.authority.certificate,
  }
  for (const [name, content] of Object.entries(files)) await place.file(name, content)
  const port = await freePort()
  const recipe = await readFile(new URL('../../deploy/front/nginx.conf', import.meta.url), 'utf8')
  const adapted = recipe
    .replace(/^.*ssl_ech_file.*$/m, '')
    .replaceAll('/etc/front', place.path)
    .replaceAll('/run/front', place.path)
    .replace('listen 8443', `listen 127.0.0.1:${port}`)
    .replace('gateway.bank.example:8443', `127.0.0.1:${house.port}`)
    .replace('proxy_ssl_name gateway.bank.example', 'proxy_ssl_name localhost')
  const config = await place.file('nginx.conf', `daemon off; master_process off;\n${adapted}`)
  const child = spawn('nginx', ['-p', place.path, '-e', 'stderr', '-c', config], {
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const ended = once(child, 'close')
  opened.defer(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const answers = () =>
    ask(port, undefined).then(
      () => true,
      (error: unknown) => (error as { code?: string }).code !== 'ECONNREFUSED',
    )
  await expect.poll(answers, { timeout: 20_000, message: complaint }).toBe(true)
  const resources = opened.move()
  return { port, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

function ask(port: number, client: Identity | undefined) {
  const tls = client === undefined ? {} : { cert: client.certificate, key: client.key }
  const headers = { 'x-forwarded-client-cert': 'URI=urn:test:billing' }
  return send(
    { port, authority: house.authority },
    { path: '/v1/messages/x', servername: front, headers, ...tls },
  )
}

const application = () => issueClientCertificate(applications, { uri: 'urn:test:anything', days: 1 })

test('a front that ends TLS and begins it anew by mutual TLS: the gateway knows the application by the front’s certificate', async () => {
  await using running = await startFront()
  expect(await ask(running.port, await application())).toMatchObject({
    status: 404,
    text: expect.stringContaining('not_found') as string,
  })
  // Whoever shows the front no certificate of an application is not sent on.
  expect(await ask(running.port, undefined)).toMatchObject({
    status: 400,
    text: expect.stringContaining('nginx') as string,
  })
})

test('a front whose own certificate is not registered speaks for nobody, whatever its headers say', async () => {
  await using running = await startFront({ uri: 'urn:test:unknown' })
  expect(await ask(running.port, await application())).toMatchObject({
    status: 403,
    text: expect.stringContaining('application_unknown') as string,
  })
})

test('a front that finds another server behind it than the gateway sends it nothing', async () => {
  const other = await createAuthority({ commonName: 'other', days: 1 })
  await using running = await startFront({ serversCa: other.certificate })
  expect((await ask(running.port, await application())).status).toBe(502)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
