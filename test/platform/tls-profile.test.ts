import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientTlsOptions, serverTlsOptions } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'

let ca: string
let port: number
const server = await listening()

async function listening(): Promise<ReturnType<typeof createServer>> {
  const authority = await createAuthority({ commonName: 'CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  ca = authority.certificate
  return createServer({ ...serverTlsOptions, cert: identity.certificate, key: identity.key }, socket => {
    socket.on('error', () => undefined)
    socket.end('ok')
  })
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterAll(() => {
  server.close()
})

async function handshake(options: ConnectionOptions): Promise<string> {
  const socket: TLSSocket = connect({ ...options, host: '127.0.0.1', servername: 'localhost', port, ca })
  try {
    await once(socket, 'secureConnect')
    const group = socket.getEphemeralKeyInfo() as { name?: string }
    return `${socket.getProtocol() ?? ''} ${socket.getCipher().name} ${group.name ?? ''}`
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    socket.destroy()
  }
}

test('our client and our listener agree on TLS 1.3 and a hybrid post-quantum group', async () => {
  expect(await handshake(clientTlsOptions)).toMatch(/^TLSv1\.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768$/)
})

test('a client with TLS 1.2 gets forward secrecy and an AEAD', async () => {
  expect(await handshake({ maxVersion: 'TLSv1.2' })).toMatch(/^TLSv1\.2 ECDHE-ECDSA-AES256-GCM-SHA384 /)
})

test.each<[string, ConnectionOptions]>([
  ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
  ['static RSA', { maxVersion: 'TLSv1.2', ciphers: 'AES256-GCM-SHA384:AES128-SHA' }],
  ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA' }],
  ['finite-field groups only', { ecdhCurve: 'ffdhe2048' }],
])('a client that knows only %s is refused', async (_, options) => {
  expect(await handshake(options)).toMatch(/^ERR_SSL_/)
})
