import { createHash, type X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import type { Knex } from 'knex'
import { type Actor, type AuditEvent, appendEvents, recordEvent } from '../../audit/index.ts'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { type ClientTrust, certificatesOf, fingerprintOf } from '../../platform/tls/index.ts'
import { type ListenerContext, replaceContext } from '../listener.ts'
import {
  endings,
  type Judged,
  judgeFiles,
  type ListenerName,
  listenerNames,
  type OwnFiles,
  type OwnTlsRules,
} from './judge.ts'

/** The certificates, keys, CAs and lists of our own that are in use now. */
export interface OwnTls {
  readonly contextOf: (name: ListenerName) => ListenerContext
  readonly certificateOf: (name: ListenerName) => X509Certificate
  /** Whose client certificates are accepted. */
  readonly trust: () => ClientTrust
  /** What is in use. */
  readonly files: () => OwnFiles
  /** Throws when a certificate, a CA or a list in use has ended: clients or we would refuse each other. */
  assertInForce(): void
  /** Codes of what ends soon. */
  readonly warnings: () => readonly string[]
  /** Reloads reach this server from now on; `after` is called once they have. */
  attach(name: ListenerName, server: Server, after?: () => void): void
  /**
   * Takes other files, all of them or none: what does not pass is refused, audited as `tls.reload.refused`, and the old
   * stays in use. Resolves with whether the new files are in use. Never rejects.
   */
  reload(read: () => OwnFiles): Promise<boolean>
}

interface Dependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** Gives the OCSP response for a certificate of ours; undefined when there is none. */
  readonly staple: (leaf: X509Certificate, issuer: X509Certificate) => Promise<Buffer | undefined>
}

// A responder that does not answer costs a handshake this long at most, in milliseconds; then there is no staple.
const stapleDeadline = 1_000

const itself: Actor = { kind: 'gateway' }

/** Judges the files of a start. Throws `tls_material_refused`, audited as `tls.start.refused`. */
export async function openOwnTls(
  files: OwnFiles,
  rules: OwnTlsRules,
  { knex, clock, log, staple }: Dependencies,
): Promise<OwnTls> {
  const judge = (given: OwnFiles): Promise<Judged> => judgeFiles(given, rules, clock.now())
  const first = await judge(files)
  if ('flaw' in first) {
    const { listener, flaw } = first
    await recordEvent(knex, clock, itself, { type: 'tls.start.refused', listener, reason: flaw })
    throw new SealpostError('tls_material_refused', { detail: `${listener}: ${flaw}` })
  }
  let current = first
  const attached: { name: ListenerName; server: Server; after: () => void }[] = []

  const refuse = async (listener: string, reason: string): Promise<false> => {
    log.warn('tls-reload-refused', { reason: `${listener}:${reason}` })
    await recordEvent(knex, clock, itself, { type: 'tls.reload.refused', listener, reason })
    return false
  }
  const reload = async (read: () => OwnFiles): Promise<boolean> => {
    let given: OwnFiles
    try {
      given = read()
    } catch (error) {
      log.error('tls-reload-failed', error)
      return refuse('all', error instanceof SealpostError ? error.code : 'unreadable')
    }
    const next = await judge(given)
    if ('flaw' in next) return refuse(next.listener, next.flaw)
    const changed = listenerNames.filter(
      name => digest(next.contexts[name]) !== digest(current.contexts[name]),
    )
    const events = changed.map(name => reloaded(name, next.certificates[name].own))
    const { database } = next.files
    if (database.kind === 'tls' && digest(database) !== digest(current.files.database)) {
      events.push(reloaded('database', certificatesOf(database.ca, 'ca_unreadable')[0]))
    }
    // A crash here leaves events of a reload that did not happen; the next start reads the same files.
    await knex.transaction(trx =>
      appendEvents(
        trx,
        clock,
        events.map(event => ({ actor: itself, event })),
      ),
    )
    current = next
    for (const { name, server, after } of attached) {
      if (changed.includes(name)) replaceContext(server, next.contexts[name])
      after()
      void stapleFor(name)
    }
    log.info('tls-reloaded', { count: events.length })
    return true
  }

  // The issuer is the one that we send along: without it there is nobody to check the response by.
  const stapleFor = async (name: ListenerName): Promise<Buffer | undefined> => {
    const { own, issuer } = current.certificates[name]
    return issuer === undefined ? undefined : staple(own, issuer)
  }

  let queue: Promise<unknown> = Promise.resolve()
  return {
    contextOf: name => current.contexts[name],
    certificateOf: name => current.certificates[name].own,
    trust: () => current.trust,
    files: () => current.files,
    assertInForce() {
      if (endings(current).some(({ at }) => at <= clock.now()))
        throw new SealpostError('tls_material_refused')
    },
    warnings: () =>
      endings(current)
        .filter(({ at, notice }) => at.getTime() - notice < clock.now().getTime())
        .map(({ what }) => `${what}_ends_soon`),
    attach(name, server, after = () => undefined) {
      attached.push({ name, server, after })
      void stapleFor(name)
      server.on('OCSPRequest', (_certificate, _issuer, answer) => {
        const late = new Promise<undefined>(resolve => setTimeout(resolve, stapleDeadline, undefined).unref())
        void Promise.race([stapleFor(name), late]).then(response => answer(null, response ?? null))
      })
    },
    reload(read) {
      const result = queue.then(() =>
        reload(read).catch((error: unknown) => {
          log.error('tls-reload-failed', error)
          return false
        }),
      )
      queue = result
      return result
    },
  }
}

function digest(used: object): string {
  return createHash('sha256').update(JSON.stringify(used)).digest('hex')
}

/** @param certificate our own, or for PostgreSQL the CA */
function reloaded(listener: string, certificate: X509Certificate): AuditEvent {
  return { type: 'tls.reloaded', listener, certificateSha256: fingerprintOf(certificate) }
}
