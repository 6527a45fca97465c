import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Identity } from '../../src/platform/pki/index.ts'

export interface SunkMail {
  readonly from: string
  readonly to: readonly string[]
  readonly bytes: Buffer
  /** Counts the connections of the sink. */
  readonly connection: string
}

export interface Sink {
  readonly port: number
  readonly mails: SunkMail[]
  /** Connections that were opened so far. */
  readonly connections: number
  stop(): Promise<void>
}

/** An ordinary mail server on loopback that keeps what it is sent. `hooks` may refuse: onMailFrom, onRcptTo, onData… */
export async function startSink(identity: Identity, hooks: SMTPServerOptions = {}): Promise<Sink> {
  const mails: SunkMail[] = []
  let connections = 0
  const server = new SMTPServer({
    cert: identity.certificate,
    key: identity.key,
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    size: 64 * 1024 * 1024,
    onConnect(_session, done) {
      connections++
      done()
    },
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope
      buffer(stream).then(
        bytes => {
          mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            bytes,
            connection: session.id,
          })
          done()
        },
        (error: unknown) => done(error as Error),
      )
    },
    ...hooks,
  })
  server.on('error', () => undefined)
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    get connections() {
      return connections
    },
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
      }),
  }
}

/** What a script sees of its client. */
export interface ScriptedClient {
  /** The next line without its end, in clear or inside TLS; undefined when the client hung up. */
  line(): Promise<string | undefined>
  send(text: string): void
  /** Takes the client's handshake, here, on the same connection. */
  startTls(options?: SecureContextOptions): Promise<void>
  readonly socket: Socket
}

export interface HostileServer {
  readonly port: number
  /** Every byte that clients sent in clear. */
  readonly clear: () => string
  /** Every byte that clients sent inside TLS. */
  readonly secret: () => string
  stop(): Promise<void>
}

/** A server that does to each client exactly what `script` says, and notes each byte that it is sent. */
export async function startHostile(
  identity: Identity,
  script: (client: ScriptedClient) => Promise<void>,
): Promise<HostileServer> {
  let clear = ''
  let secret = ''
  const sockets = new Set<Socket>()
  const server: Server = createServer(tcp => {
    sockets.add(tcp)
    tcp.on('error', () => undefined)
    const noteClear = (chunk: Buffer): void => {
      clear += chunk.toString('latin1')
    }
    let current: Socket = tcp
    let lines = readLines(tcp, noteClear)
    const client: ScriptedClient = {
      line: () => lines.next(),
      send: text => void current.write(Buffer.from(text, 'latin1')),
      async startTls(options = {}) {
        lines.end()
        const tls = new TLSSocket(tcp, {
          isServer: true,
          secureContext: createSecureContext({ cert: identity.certificate, key: identity.key, ...options }),
        })
        tls.on('error', () => undefined)
        current = tls
        await Promise.race([
          once(tls, 'secure'),
          once(tls, 'close').then(() => Promise.reject(new Error('no TLS'))),
        ])
        lines = readLines(tls, chunk => {
          secret += chunk.toString('latin1')
        })
      },
      get socket() {
        return current
      },
    }
    script(client).then(
      () => current.end(),
      () => tcp.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    clear: () => clear,
    secret: () => secret,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function readLines(
  socket: Socket,
  note: (chunk: Buffer) => void,
): { next(): Promise<string | undefined>; end(): void } {
  let text = ''
  let closed = false
  let wake: (() => void) | undefined
  const onData = (chunk: Buffer): void => {
    note(chunk)
    text += chunk.toString('latin1')
    wake?.()
  }
  const onClose = (): void => {
    closed = true
    wake?.()
  }
  socket.on('data', onData).on('end', onClose).on('close', onClose)
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n')
        if (end !== -1) {
          const line = text.slice(0, end).replace(/\r$/, '')
          text = text.slice(end + 1)
          return line
        }
        if (closed) return undefined
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
    end() {
      socket.off('data', onData).off('end', onClose).off('close', onClose)
    },
  }
}

/** A server of mode `implicit` that greets when it is told to, says yes to everything, and keeps what it is asked. */
export interface LateServer extends HostileServer {
  /** Resolves once somebody waits for the greeting. */
  readonly connected: Promise<void>
  greet(): void
  /** The commands so far. */
  readonly asked: readonly string[]
}

export async function startLate(identity: Identity): Promise<LateServer> {
  const asked: string[] = []
  const [connected, greeted] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const server = await startHostile(identity, async client => {
    await client.startTls()
    connected.resolve(undefined)
    await greeted.promise
    client.send('220 mx.test\r\n')
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      asked.push(line)
      client.send('250 mx.test\r\n')
    }
  })
  return { ...server, asked, connected: connected.promise, greet: () => greeted.resolve(undefined) }
}
