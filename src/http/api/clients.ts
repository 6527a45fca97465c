import type { X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Request } from 'express'
import type { Knex } from 'knex'
import { type Application, identifyClient, openIdentification } from '../../access/index.ts'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { type ClientTrust, fingerprintOf, standingUnder } from '../../platform/tls/index.ts'
import { recordedAddress } from '../refusals/network.ts'
import type { Refusals } from '../refusals/open.ts'

export interface Clients {
  /** From now on, cuts off every connection whose certificate does not identify a client, before a byte of HTTP is read. */
  guard(server: Server): void
  /** Cuts the connections of those whose certificates are not good any more: revoked, ended, of a CA that is out. */
  recheck(): void
  /** The application behind a request: what its connection proved, never what it says. Throws `application_unknown`. */
  applicationOf(request: Request): Promise<Application>
}

/** Who is at the other end of the listener for applications. */
export function openClients(
  knex: Knex,
  clock: Clock,
  log: Logger,
  trust: () => ClientTrust,
  refusals: Refusals,
): Clients {
  // Names outlive the connection, for the answer that nobody waits for any more.
  const namesOf = new WeakMap<Socket, readonly string[]>()
  const live = new Map<Socket, X509Certificate>()
  // A request belongs to whom it belonged to when it came.
  const asked = new WeakMap<Request, Promise<Application>>()
  const applicationNamed = openIdentification(knex)
  const isForeign = (certificate: X509Certificate) => trust().foreign.includes(fingerprintOf(certificate))

  const cut = (socket: Socket, reason: string): void => {
    const address = recordedAddress(socket.remoteAddress)
    live.delete(socket)
    namesOf.delete(socket)
    socket.destroy()
    log.warn('client-refused', { reason, peer: address })
    refusals
      .note({
        actor: { kind: 'peer', address },
        from: { listener: 'api', address },
        event: { type: 'client.refused', reason },
      })
      .catch((error: unknown) => log.error('audit-failed', error))
  }

  return {
    guard(server) {
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        const identity = identifyClient(socket, isForeign)
        if (!identity.verified) {
          cut(socket, identity.reason)
          return
        }
        namesOf.set(socket, identity.names)
        live.set(socket, identity.certificate)
        socket.once('close', () => live.delete(socket))
      })
    },
    recheck() {
      const now = clock.now()
      for (const [socket, certificate] of live) {
        const standing = standingUnder(trust(), certificate, now)
        if (standing !== 'good') cut(socket, standing)
      }
    },
    async applicationOf(request) {
      const names = namesOf.get(request.socket)
      if (names === undefined) throw new SealpostError('application_unknown')
      const found = asked.get(request) ?? applicationNamed(names)
      asked.set(request, found)
      return found
    },
  }
}
