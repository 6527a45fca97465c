import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Operator, requireRole } from '../access/index.ts'
import type { Actor } from '../audit/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { StopDeliveries } from '../keys/index.ts'
import type { NoticeSender } from '../notices/index.ts'
import type { Policy } from '../policy/index.ts'
import type { Inspector, SealerPool } from '../sealer/host/index.ts'
import { type Links, openLinks, type Random } from './link/links.ts'
import { openTelling, type Telling } from './tell.ts'

/** Who acts: an operator, who then needs the role `admin`; the host's command line; or the gateway by itself. */
export type Acting = Operator | 'host' | 'gateway'

export interface EnrolmentDependencies {
  readonly knex: Knex
  readonly clock: Clock
  /** Where tokens and codes come from. Default: `randomBytes`. */
  readonly random?: Random
  readonly inspector: Pick<Inspector, 'inspect' | 'revokes' | 'merge'>
  /** What seals the mail with the code. Undefined where nothing is sealed: a proposal then throws `sealed`. */
  readonly sealer: Pick<SealerPool, 'seal'> | undefined
  readonly stop: StopDeliveries
  readonly sender: NoticeSender
  /** The policy in force, by this connection. Throws `sending_not_approved`. */
  readonly policy: (handle: Knex | Knex.Transaction) => Promise<Policy>
}

/** The dependencies, and what is made of them once. */
export interface Parts extends EnrolmentDependencies {
  readonly random: Random
  readonly links: Links
  readonly tell: Telling
}

export function partsOf(dependencies: EnrolmentDependencies): Parts {
  const { clock, sender, random = randomBytes } = dependencies
  const links = openLinks(clock, random)
  return { ...dependencies, random, links, tell: openTelling(clock, sender, links) }
}

/** Throws `role_missing` for an operator who is no admin. */
export function requireAdmin(by: Acting): void {
  if (typeof by === 'object') requireRole(by, 'admin')
}

export function actorOf(by: Acting): Actor {
  return typeof by === 'object' ? { kind: 'operator', id: by.id } : { kind: by }
}
