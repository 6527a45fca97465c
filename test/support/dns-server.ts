import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import {
  type Answer,
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  decode,
  encode,
  type Question,
  RECURSION_AVAILABLE,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

export interface Query {
  readonly id: number
  readonly question: Question
  readonly packet: DecodedPacket
  readonly over: 'udp' | 'tcp'
  /** The port that it came from. */
  readonly port: number
}

/** Messages to send in this order; nothing is silence. */
export type Answering = (query: Query) => readonly Buffer[]

/** A resolver on loopback that says what a test wants it to say. */
export interface DnsServer {
  readonly address: string
  readonly port: number
  readonly queries: Query[]
  stop(): Promise<void>
}

export async function startDns(answering: Answering): Promise<DnsServer> {
  const queries: Query[] = []
  const hear = (message: Buffer, over: Query['over'], port: number): readonly Buffer[] => {
    const packet = decode(message)
    const [question] = packet.questions ?? []
    if (question === undefined) throw new Error('a query asks something')
    const query = { id: packet.id ?? 0, question, packet, over, port }
    queries.push(query)
    return answering(query)
  }

  const udp = createSocket('udp4')
  udp.on('message', (message, { port, address }) => {
    for (const reply of hear(message, 'udp', port)) udp.send(reply, port, address)
  })
  const sockets = new Set<Socket>()
  const tcp = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let received = Buffer.alloc(0)
    socket.on('data', (piece: Buffer) => {
      received = Buffer.concat([received, piece])
      if (received.length < 2 || received.length < received.readUInt16BE() + 2) return
      for (const reply of hear(received.subarray(2), 'tcp', socket.remotePort ?? 0))
        socket.write(framed(reply))
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  return {
    address: '127.0.0.1',
    port,
    queries,
    async stop() {
      udp.close()
      for (const socket of sockets) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

export interface ReplyParts {
  readonly answers?: Answer[]
  readonly rcode?: number
  readonly ad?: boolean
  readonly truncated?: boolean
  readonly id?: number
  readonly question?: Question
  readonly additionals?: Answer[]
}

/** A reply to a query, right in every respect that is not given. */
export function reply({ id, question }: Query, parts: ReplyParts = {}): Buffer {
  const { answers = [], rcode = 0, ad = false, truncated = false, additionals = [] } = parts
  return encode({
    type: 'response',
    id: parts.id ?? id,
    flags: RECURSION_AVAILABLE | (ad ? AUTHENTIC_DATA : 0) | (truncated ? TRUNCATED_RESPONSE : 0) | rcode,
    questions: [parts.question ?? question],
    answers,
    additionals,
  })
}

export function asksUnchecked({ packet }: Query): boolean {
  return ((packet.flags ?? 0) & CHECKING_DISABLED) !== 0
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}
