import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { authority, deliverBy, identity, routeTo } from '../support/sessions.ts'
import { recordWire } from '../support/wire.ts'

const proof = { level: 'pinned', pins: { ca: authority.certificate } } as const

// RFC 8446 section 2.2: a resumed session shows no certificate. Whoever holds the ticket key would be believed.
test.each(['TLSv1.2', 'TLSv1.3'] as const)('no ticket of a server comes back, with %s', async version => {
  const resumed: boolean[] = []
  const server = createServer(
    {
      cert: identity.certificate,
      key: identity.key,
      minVersion: version,
      maxVersion: version,
      sessionTimeout: 3600,
    },
    (socket: TLSSocket) => {
      resumed.push(socket.isSessionReused())
      socket.on('error', () => undefined)
      socket.write('220 mx.test\r\n')
      let content = false
      socket.on('data', (bytes: Buffer) => {
        for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
          if (content && line !== '.') continue
          content = line === 'DATA'
          socket.write(content ? '354 go on\r\n' : '250 fine\r\n')
        }
      })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  // A client that keeps sessions does come back with one: this server's tickets work, and the check sees them.
  const wire = await recordWire(port)
  const kept = await visit(wire.port)
  await visit(wire.port, kept)
  expect(resumed.splice(0)).toEqual([false, true])
  expect(wire.connections.map(sent => bringsTicket(sent()))).toEqual([false, true])

  for (let i = 0; i < 3; i++) {
    const route = routeTo(wire.port, proof, { tls: 'implicit' })
    expect(await deliverBy(route)).toMatchObject({ outcome: 'delivered' })
  }
  expect(resumed).toEqual([false, false, false])
  expect(wire.connections.map(sent => bringsTicket(sent())).slice(2)).toEqual([false, false, false])
  await wire.stop()
  await new Promise(resolve => server.close(resolve))
})

/** A connection of a client that takes up `session` and gives the one that it is left with. */
async function visit(port: number, session?: Buffer): Promise<Buffer> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'mx.test',
    ca: authority.certificate,
    ...(session === undefined ? {} : { session }),
  })
  let left = session
  socket.on('session', (given: Buffer) => {
    left = given
  })
  await once(socket, 'data')
  while (left === undefined) await new Promise(setImmediate)
  socket.destroy()
  return left
}

const preSharedKey = 41
const sessionTicket = 35

/** Whether the ClientHello at the head of these bytes brings something of an earlier session (RFC 8446 section 4.2.11, RFC 5077). */
function bringsTicket(sent: Buffer): boolean {
  // Record and handshake headers, version, random.
  let at = 5 + 4 + 2 + 32
  at += 1 + sent.readUInt8(at) // session id: random, for the sake of middleboxes
  at += 2 + sent.readUInt16BE(at) // suites
  at += 1 + sent.readUInt8(at) // compression
  const end = at + 2 + sent.readUInt16BE(at)
  for (at += 2; at < end; at += 4 + sent.readUInt16BE(at + 2)) {
    const type = sent.readUInt16BE(at)
    if (type === preSharedKey || (type === sessionTicket && sent.readUInt16BE(at + 2) > 0)) return true
  }
  return false
}
