import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { type Question, type Reply, readReply, writeQuery } from './message.ts'

/** A resolver, and how long it is waited for. */
export interface Server {
  readonly address: string
  readonly port: number
  /** Milliseconds for one try. Default 3,000. */
  readonly timeout?: number
  /** Tries over UDP. Default 3. */
  readonly tries?: number
}

// Far above any answer that mail asks for, and far below what could keep us busy.
const largest = 16 * 1024

/**
 * The resolver's reply, or undefined when there was none: over UDP, each time with another id from another port; over TCP
 * when it does not fit. Never rejects.
 */
export async function exchange(
  server: Server,
  question: Question,
): Promise<Exclude<Reply, { kind: 'truncated' }> | undefined> {
  for (let left = server.tries ?? 3; left > 0; left--) {
    const reply = await attempt(overUdp, server, question)
    if (reply === undefined) continue
    if (reply.kind !== 'truncated') return reply
    const whole = await attempt(overTcp, server, question)
    if (whole !== undefined) return whole.kind === 'truncated' ? { kind: 'refused' } : whole
  }
  return undefined
}

type Way = (
  server: Server,
  query: Buffer,
  heard: (message: Buffer) => void,
  lost: () => void,
) => { end(): void }

/** One query, until a message is a reply to it. What else arrives is passed over: somebody may be guessing. */
function attempt(way: Way, server: Server, question: Question): Promise<Reply | undefined> {
  const id = randomInt(0x1_0000)
  return new Promise(resolve => {
    let connection: ReturnType<Way> | undefined
    const finish = (reply: Reply | undefined): void => {
      clearTimeout(timer)
      connection?.end()
      resolve(reply)
    }
    const timer = setTimeout(finish, server.timeout ?? 3000, undefined)
    const heard = (message: Buffer): void => {
      const reply = message.length > largest ? undefined : readReply(message, id, question)
      if (reply !== undefined) finish(reply)
    }
    try {
      connection = way(server, writeQuery(id, question), heard, () => finish(undefined))
    } catch {
      // No sockets left, or none of this kind here.
      finish(undefined)
    }
  })
}

/** The system picks a random port; once connected, it drops what comes from elsewhere. */
const overUdp: Way = (server, query, heard, lost) => {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', lost)
  socket.on('message', heard)
  let closed = false
  // Node hands a failure to this callback, though its types do not say so.
  socket.connect(server.port, server.address, (failure?: unknown) => {
    if (failure !== undefined && failure !== null) lost()
    else if (!closed) socket.send(query)
  })
  return {
    end() {
      if (!closed) socket.close()
      closed = true
    },
  }
}

const overTcp: Way = (server, query, heard, lost) => {
  const socket = connect({ host: server.address, port: server.port })
  let received = Buffer.alloc(0)
  socket.on('error', lost)
  socket.on('close', lost)
  socket.on('connect', () => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
  })
  socket.on('data', (piece: Buffer) => {
    received = Buffer.concat([received, piece])
    if (received.length < 2) return
    const length = received.readUInt16BE()
    if (length > largest || received.length > length + 2) lost()
    else if (received.length === length + 2) {
      heard(received.subarray(2))
      lost()
    }
  })
  return { end: () => void socket.destroy() }
}
