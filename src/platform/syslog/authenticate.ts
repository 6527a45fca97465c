import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { fingerprintOf } from '../tls/certificates.ts'
import { clientTlsOptions } from '../tls/profile.ts'
import { syslogFailed } from './failure.ts'

/** A syslog server, and how it is known (RFC 5425 section 4.2: by certification path and name). PEM texts. */
export interface SyslogReceiver {
  /** Its certificate must carry this name or address. */
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly crl?: string | undefined
  /** Shown to it. */
  readonly identity?: { readonly certificate: string; readonly key: string } | undefined
  /** SHA-256 of certificates of other environments. */
  readonly foreign?: readonly string[]
}

/** Resolves when the server has proved itself, before anything was said to it; rejects with `syslog_failed`. */
export function authenticate(stream: Duplex, receiver: SyslogReceiver, deadline: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connect({ ...clientTlsOptions, ...trustOf(receiver), socket: stream })
    const fail = (failure: 'not_authenticated' | 'timed_out', cause?: unknown): void => {
      clearTimeout(timer)
      tls.destroy()
      reject(syslogFailed(failure, cause))
    }
    const timer = setTimeout(() => fail('timed_out'), deadline)
    const failed = (cause: Error): void => fail('not_authenticated', cause)
    const ended = (): void => fail('not_authenticated')
    tls.once('error', failed).once('close', ended)
    // Until somebody else listens; and an error may come twice.
    tls.on('error', () => undefined)
    tls.once('secureConnect', () => {
      // rejectUnauthorized says it already; this is what everything rests on.
      if (!tls.authorized) {
        fail('not_authenticated')
        return
      }
      clearTimeout(timer)
      tls.off('error', failed).off('close', ended)
      resolve(tls)
    })
  })
}

function trustOf({ host, ca, crl, identity, foreign = [] }: SyslogReceiver): ConnectionOptions {
  return {
    ca,
    ...(crl === undefined ? {} : { crl }),
    ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name, { raw }) => {
      const certificate = new X509Certificate(raw)
      const known = carries(certificate, host) && !foreign.includes(fingerprintOf(certificate))
      return known ? undefined : new Error('another certificate')
    },
  }
}

/** RFC 9525: a subject alternative name, whole labels only. */
function carries(certificate: X509Certificate, host: string): boolean {
  const rules = { subject: 'never', partialWildcards: false } as const
  return (isIP(host) === 0 ? certificate.checkHost(host, rules) : certificate.checkIP(host)) !== undefined
}
