import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { oddCertificate } from '../support/odd-certificates.ts'

const authority = await createAuthority({ commonName: 'Test CA', days: 2 })
const client = await issueClientCertificate(authority, { uri: 'urn:sealpost:app:billing', days: 1 })

/** What a client that trusts `authority` and asks for `name` meets at a server with this certificate. */
async function handshake(
  server: Identity,
  name: string,
  as: Identity = client,
): Promise<{ refusal: string | undefined; clientSan: string | undefined; clientError: string | undefined }> {
  let seen: TLSSocket | undefined
  const listener = createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    socket => {
      seen = socket
      socket.on('error', () => undefined)
      socket.write('x')
    },
  ).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const socket = connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: name,
    ca: authority.certificate,
    cert: as.certificate,
    key: as.key,
  })
  const refusal = await new Promise<string | undefined>(resolve => {
    socket.once('data', () => resolve(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  const result = {
    refusal,
    clientSan: seen?.getPeerX509Certificate()?.subjectAltName,
    clientError: seen?.authorizationError as unknown as string | undefined,
  }
  socket.destroy()
  listener.close()
  return result
}

describe('an authority', () => {
  const certificate = new X509Certificate(authority.certificate)

  test('is a CA that signed itself, on P-256', () => {
    expect(certificate.ca).toBe(true)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(certificate.checkPrivateKey(createPrivateKey(authority.key))).toBe(true)
  })

  test('gives every certificate another serial number', async () => {
    const serials = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const { certificate: pem } = await issueServerCertificate(authority, {
          dnsNames: ['a.test'],
          days: 1,
        })
        return new X509Certificate(pem).serialNumber
      }),
    )
    expect(new Set(serials).size).toBe(8)
    expect(serials.every(serial => /^[4-7][0-9A-F]{31}$/.test(serial))).toBe(true)
  })
})

describe('a server certificate', () => {
  test('is accepted by verified TLS under each of its names', async () => {
    const server = await issueServerCertificate(authority, {
      dnsNames: ['mx.bank.test', 'localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
      days: 1,
    })
    expect((await handshake(server, 'mx.bank.test')).refusal).toBeUndefined()
    expect((await handshake(server, 'localhost')).refusal).toBeUndefined()
    expect((await handshake(server, 'other.test')).refusal).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(new X509Certificate(server.certificate).checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(new X509Certificate(server.certificate).checkIP('::1')).toBe('::1')
  })

  test('is no CA and names its issuer by key', async () => {
    const { certificate: pem } = await issueServerCertificate(authority, { dnsNames: ['a.test'], days: 1 })
    const certificate = new X509Certificate(pem)
    expect(certificate.ca).toBe(false)
    expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })
})

describe('a client certificate', () => {
  test('says who it is by its one SAN', async () => {
    const server = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
    const byUri = await handshake(server, 'localhost')
    expect(byUri).toMatchObject({ refusal: undefined, clientSan: 'URI:urn:sealpost:app:billing' })
    const named = await issueClientCertificate(authority, { dns: 'billing.apps.test', days: 1 })
    expect((await handshake(server, 'localhost', named)).clientSan).toBe('DNS:billing.apps.test')
  })

  test('of another authority with the same name is not trusted', async () => {
    const server = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
    const impostor = await createAuthority({ commonName: 'Test CA', days: 2 })
    const forged = await issueClientCertificate(impostor, { uri: 'urn:sealpost:app:billing', days: 1 })
    expect((await handshake(server, 'localhost')).clientError).toBeNull()
    expect((await handshake(server, 'localhost', forged)).clientError).toBeTruthy()
  })
})

describe('odd certificates are as odd as they claim', () => {
  test('expired', async () => {
    const server = await oddCertificate.expired(authority, 'localhost')
    expect((await handshake(server, 'localhost')).refusal).toBe('CERT_HAS_EXPIRED')
  })

  test('issued for a client', async () => {
    const server = await oddCertificate.clientUsage(authority, 'localhost')
    expect((await handshake(server, 'localhost')).refusal).toBe('INVALID_PURPOSE')
  })

  test('canary: Node accepts a name in the CN alone and a partial wildcard, so the house must not leave it to Node', async () => {
    const byName = await oddCertificate.commonNameOnly(authority, 'localhost')
    expect(new X509Certificate(byName.certificate).subjectAltName).toBeUndefined()
    expect((await handshake(byName, 'localhost')).refusal).toBeUndefined()
    const partial = await oddCertificate.pattern(authority, 'm*.bank.test')
    expect((await handshake(partial, 'mx.bank.test')).refusal).toBeUndefined()
  })
})
