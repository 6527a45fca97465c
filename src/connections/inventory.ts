import type { Knex } from 'knex'
import type { Config, Secrets } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'
import { encryptedClientHello, tlsProfile } from '../platform/tls/index.ts'
import { policyInForce } from '../policy/index.ts'
import type { ConnectionInventory } from './connection.ts'
import { listenerConnections } from './listeners.ts'
import { outgoingConnections } from './outgoing.ts'
import { findLastUse, findPinnedCas, findWebhooks } from './store.ts'

export interface Installation {
  readonly config: Config
  readonly secrets: Secrets
}

/**
 * Every listener and every kind of connection of an installation, as its settings have it: there is no way to connect that is
 * not in here. What is switched off is not listed.
 */
export async function connectionsOf(
  knex: Knex,
  clock: Clock,
  installation: Installation,
): Promise<ConnectionInventory> {
  const at = clock.now()
  const [lastUse, pinned, webhooks, adopted] = await Promise.all([
    findLastUse(knex),
    findPinnedCas(knex),
    findWebhooks(knex),
    policyInForce(knex, at),
  ])
  return {
    at,
    reviewBy: adopted?.policy.reviewBy ?? null,
    profile: {
      versions: ['TLSv1.3', 'TLSv1.2'],
      ...tlsProfile,
      encryptedClientHello: encryptedClientHello(),
      library: `OpenSSL ${process.versions.openssl}, Node ${process.versions.node}`,
    },
    connections: [
      ...listenerConnections(installation, lastUse),
      ...outgoingConnections(installation, {
        at,
        lastUse,
        pinned,
        webhooks,
        minTls: adopted?.policy.tls.minVersion,
      }),
    ],
  }
}
