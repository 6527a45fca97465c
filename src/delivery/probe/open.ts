import type { Knex } from 'knex'
import { type Actor, recordEvent } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { RevocationCheck } from '../../platform/revocation/index.ts'
import type { PolicyAt } from '../courier/last-check.ts'
import type { DestinationRule } from '../destination.ts'
import type { Routing } from '../route/open.ts'
import { type DestinationProbe, probeDestination } from './probe.ts'

export interface ProbeOptions {
  readonly explain: Routing['explain']
  readonly clock: Clock
  readonly mailHost: string
  /** PEM, roots instead of those of Node. */
  readonly publicCa: string | undefined
  readonly revocation: RevocationCheck
  /** Undefined: what the crypto policy asks is not known, and attacks are not recorded. */
  readonly records: { readonly knex: Knex; readonly policyAt: PolicyAt; readonly actor: Actor } | undefined
}

/** Shorter than a courier's: a person waits. */
const limits = { connect: 10_000, reply: 15_000, opening: 30_000, transaction: 1, bytesPerSecond: 1 }

/** Walks the way into a domain (lower case) without sending; see {@link probeDestination}. */
export type Probe = (domain: string, given?: DestinationRule) => Promise<DestinationProbe>

export function openProbe({ explain, clock, mailHost, publicCa, revocation, records }: ProbeOptions): Probe {
  const channel = {
    clock,
    mailHost,
    publicCa,
    limits,
    revocation,
    onAttack: async ({
      kind,
      host,
      address,
    }: {
      kind: 'starttls_injection'
      host: string
      address: string
    }) => {
      if (records === undefined) return
      const event = { type: 'attack.suspected', kind, host, address } as const
      await recordEvent(records.knex, clock, records.actor, event)
    },
  }
  return async (domain, given) => {
    const asked = records && ((await records.policyAt(clock.now())) ?? 'none')
    return probeDestination({ explain, channel, policy: asked ?? 'unknown' }, domain, given)
  }
}
