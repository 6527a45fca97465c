import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a server and keeps, per connection, every byte that the client sent. */
export interface Wire {
  readonly port: number
  readonly connections: readonly (() => Buffer)[]
  stop(): Promise<void>
}

export async function recordWire(port: number): Promise<Wire> {
  const connections: (() => Buffer)[] = []
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const sent: Buffer[] = []
    connections.push(() => Buffer.concat(sent))
    const mail = connect({ host: '127.0.0.1', port, noDelay: true })
    for (const socket of [client, mail]) {
      sockets.add(socket)
      socket.setNoDelay(true).on('error', () => undefined)
    }
    client.on('data', (bytes: Buffer) => sent.push(bytes))
    client.pipe(mail).pipe(client)
    client.on('close', () => mail.destroy())
    mail.on('close', () => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/**
 * What of a client's bytes is neither TLS nor `EHLO`, `STARTTLS`, `QUIT`: empty for a client that keeps its word. Commands
 * may come first; from the first TLS record on, there is nothing but records (RFC 8446 section 5.1), the last of them perhaps cut off.
 */
export function saidInClear(sent: Buffer, name: string): string {
  const clear = new RegExp(
    `^(?:EHLO ${name.replaceAll('.', '\\.')}\\r\\n(?:STARTTLS\\r\\n)?)?(?:QUIT\\r\\n)?`,
  )
  const allowed = clear.exec(sent.toString('latin1'))?.[0].length ?? 0
  let rest = sent.subarray(allowed)
  while (rest.length >= 5) {
    const [type = 0, major] = rest
    const length = rest.readUInt16BE(3)
    if (type < 20 || type > 23 || major !== 3 || length > 16_384 + 256) break
    rest = rest.subarray(Math.min(rest.length, 5 + length))
  }
  return rest.toString('latin1')
}
