import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { parentOf } from './refusals/watch.ts'

/**
 * How many handshakes begin in one turn of the event loop, and how many of those begun are waited for, and for how long, before others
 * begin. Each takes about a millisecond: whoever opens thousands of connections at once would else stop everything for seconds, the
 * health check first. Whoever is slow is not waited for: else a few such could keep everybody out.
 */
const perTurn = 8
const mostUnderWay = 32
const patience = 50

/** Lets connections into TLS a few at a time, in the order in which they came. A connection that waits costs next to nothing. */
export function paceHandshakes(server: Server): void {
  const begin = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const waiting: Socket[] = []
  const underWay = new Map<object, NodeJS.Timeout>()
  let scheduled = false

  const schedule = (): void => {
    if (scheduled || waiting.length === 0 || underWay.size >= mostUnderWay) return
    scheduled = true
    setImmediate(run)
  }
  const over = (socket: object): void => {
    clearTimeout(underWay.get(socket))
    if (underWay.delete(socket)) schedule()
  }
  const run = (): void => {
    scheduled = false
    for (const socket of waiting.splice(0, Math.min(perTurn, mostUnderWay - underWay.size))) {
      if (socket.destroyed) continue
      underWay.set(socket, setTimeout(over, patience, socket).unref())
      socket.once('close', () => over(socket))
      for (const listener of begin) listener.call(server, socket)
    }
    schedule()
  }
  server.on('connection', (socket: Socket) => {
    // Until its turn comes, nobody else listens.
    socket.on('error', () => undefined)
    waiting.push(socket)
    schedule()
  })
  server.prependListener('secureConnection', socket => over(parentOf(socket) ?? socket))
}
