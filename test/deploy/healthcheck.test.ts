import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { root } from './compose-file.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sealpost-health-'))
const authority = await createAuthority({ commonName: 'CA', days: 1 })
const own = await issueServerCertificate(authority, { dnsNames: ['gateway'], days: 1 })
const other = await issueServerCertificate(authority, { dnsNames: ['gateway'], days: 1 })
writeFileSync(join(scratch, 'gateway.pem'), own.certificate)
afterAll(() => rmSync(scratch, { recursive: true }))

let path: string | undefined

async function gateway(identity: typeof own, status: number): Promise<Server> {
  const server = createServer({ cert: identity.certificate, key: identity.key }, (request, response) => {
    path = request.url
    response.writeHead(status).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function health(port: number): Promise<unknown> {
  const child = spawn(process.execPath, [`${root}deploy/healthcheck.ts`], {
    env: {
      SEALPOST_TLS_CERT_FILE: join(scratch, 'gateway.pem'),
      SEALPOST_OPS_LISTEN: `127.0.0.1:${port}`,
    },
    stdio: 'ignore',
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}

test.each([
  ['healthy: our certificate, 200', own, 200, 0],
  ['not ready: our certificate, 503', own, 503, 1],
  ['impostor: another certificate of our own CA, 200', other, 200, 1],
] as const)('%s', async (_, identity, status, code) => {
  const server = await gateway(identity, status)
  expect(await health((server.address() as AddressInfo).port)).toBe(code)
  server.close()
})

test('asks /readyz', () => {
  expect(path).toBe('/readyz')
})

test('nobody listens', async () => {
  const server = await gateway(own, 200)
  const { port } = server.address() as AddressInfo
  server.close()
  expect(await health(port)).toBe(1)
})
