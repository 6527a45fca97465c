import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Request } from 'express'
import type { Knex } from 'knex'
import { type Application, identifyClient, openIdentification } from '../access/index.ts'
import { recordEvent } from '../audit/index.ts'
import { type Clock, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'

export interface Clients {
  /** From now on, cuts off every connection whose certificate does not identify a client, before a byte of HTTP is read. */
  guard(server: Server): void
  /** The application behind a request: what its connection proved, never what it says. Throws `application_unknown`. */
  applicationOf(request: Request): Promise<Application>
}

/** Who is at the other end of the listener for applications. */
export function openClients(knex: Knex, clock: Clock, log: Logger): Clients {
  const namesOf = new WeakMap<Socket, readonly string[]>()
  const applicationNamed = openIdentification(knex)

  return {
    guard(server) {
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        const identity = identifyClient(socket)
        if (identity.verified) {
          namesOf.set(socket, identity.names)
          return
        }
        const address = socket.remoteAddress ?? 'unknown'
        socket.destroy()
        log.warn('client-refused', { reason: identity.reason, peer: address })
        const event = { type: 'client.refused', reason: identity.reason } as const
        recordEvent(knex, clock, { kind: 'peer', address }, event).catch((error: unknown) =>
          log.error('audit-failed', error),
        )
      })
    },
    async applicationOf({ socket }) {
      const names = namesOf.get(socket)
      if (names === undefined) throw new SealpostError('application_unknown')
      return applicationNamed(names)
    },
  }
}
