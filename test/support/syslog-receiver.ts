import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { serverTlsOptions } from '../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import type { SyslogReceiver } from '../../src/platform/syslog/index.ts'

/** What a receiver does with a connection once TLS is there. */
export type Behaviour = (tls: TLSSocket, receiver: TestReceiver) => void

export interface TestReceiver extends AsyncDisposable {
  readonly port: number
  /** Every whole message, in the order of arrival over all connections. */
  readonly messages: string[]
  /** From now on. Default: {@link reads}. */
  behave(behaviour: Behaviour): void
}

export interface ReceiverIdentity {
  readonly authority: Identity
  readonly server: Identity
}

export async function receiverIdentity(): Promise<ReceiverIdentity> {
  const authority = await createAuthority({ commonName: 'SIEM CA', days: 2 })
  return {
    authority,
    server: await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }),
  }
}

/** How a sender knows this receiver. */
export function knownBy(identity: ReceiverIdentity, { port }: { readonly port: number }): SyslogReceiver {
  return { host: 'localhost', port, ca: identity.authority.certificate }
}

/** A syslog server of RFC 5425 on loopback. `clientCa` (PEM): it wants a certificate of this CA. */
export async function startReceiver(
  { server: own }: ReceiverIdentity,
  clientCa?: string,
): Promise<TestReceiver> {
  const sockets = new Set<Socket>()
  let behaviour = reads
  const server = createServer({
    ...serverTlsOptions,
    cert: own.certificate,
    key: own.key,
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  })
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('secureConnection', tls => {
    sockets.add(tls)
    tls.on('error', () => undefined)
    behaviour(tls, receiver)
  })
  server.on('tlsClientError', () => undefined).listen(0, 'localhost')
  await once(server, 'listening')
  const receiver: TestReceiver = {
    port: (server.address() as AddressInfo).port,
    messages: [],
    behave(next) {
      behaviour = next
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}

/** Reads everything, and ends when the other side has (RFC 5425 section 4.4). */
export const reads: Behaviour = (tls, { messages }) => {
  const take = openUnframer(message => messages.push(message))
  tls.on('data', take)
}

/** Octet counting (RFC 5425 section 4.3). Throws for anything else. */
function openUnframer(found: (message: string) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return bytes => {
    rest = Buffer.concat([rest, bytes])
    for (;;) {
      const length = /^([1-9][0-9]{0,9}) /.exec(rest.subarray(0, 12).toString('latin1'))
      if (length === null) {
        if (rest.length > 11) throw new Error('no octet count')
        return
      }
      const begin = length[0].length
      const end = begin + Number(length[1])
      if (rest.length < end) return
      found(rest.subarray(begin, end).toString('utf8'))
      rest = rest.subarray(end)
    }
  }
}

export interface ReadMessage {
  readonly priority: number
  readonly at: string
  readonly hostname: string
  readonly application: string
  readonly id: string
  readonly data: Readonly<Record<string, string>>
  readonly text: string
}

/** Reads a message of RFC 5424 with one element of structured data and a text in UTF-8, written from the RFC's grammar. Throws for anything else. */
export function readMessage(message: string): ReadMessage {
  const header =
    /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) - ([\x21-\x7e]{1,32}) \[[\x21-\x7e]+@\d+((?: [\x21-\x7e]+?="(?:[^"\\\]]|\\["\\\]])*")*)\] \uFEFF(.*)$/su.exec(
      message,
    )
  if (header === null) throw new Error(`not a message of RFC 5424: ${message.slice(0, 200)}`)
  const [, priority, at = '', hostname = '', application = '', id = '', data = '', text = ''] = header
  const params = data.matchAll(/ ([\x21-\x7e]+?)="((?:[^"\\\]]|\\["\\\]])*)"/gu)
  return {
    priority: Number(priority),
    at,
    hostname,
    application,
    id,
    data: Object.fromEntries(
      params.map(([, name = '', value = '']) => [name, value.replace(/\\(["\\\]])/g, '$1')]),
    ),
    text,
  }
}
