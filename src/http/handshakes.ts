import type { Server } from 'node:https'
import type { Socket } from 'node:net'

/**
 * How many handshakes begin in one turn of the event loop. Each takes about a millisecond: whoever opens thousands of connections at
 * once would else stop everything for seconds, the health check first.
 */
const perTurn = 8

/** Lets connections into TLS a few at a time, in the order in which they came. A connection that waits costs next to nothing. */
export function paceHandshakes(server: Server): void {
  const begin = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const waiting: Socket[] = []
  let running = false

  const run = (): void => {
    for (const socket of waiting.splice(0, perTurn)) {
      if (!socket.destroyed) for (const listener of begin) listener.call(server, socket)
    }
    running = waiting.length > 0
    if (running) setImmediate(run)
  }
  server.on('connection', (socket: Socket) => {
    // Who has gone away by then is told by reading; until then nobody listens.
    socket.on('error', () => undefined)
    waiting.push(socket)
    if (running) return
    running = true
    setImmediate(run)
  })
}
