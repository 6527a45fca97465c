import type { Request } from 'express'
import type { Knex } from 'knex'
import { type Approvals, type Operator, operatorOf } from '../../access/index.ts'
import type { ConnectionInventory } from '../../connections/index.ts'
import type { Probe, Queue } from '../../delivery/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { StopDeliveries } from '../../keys/index.ts'
import type { NoticeSender } from '../../notices/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { Inspect } from '../../policy/index.ts'
import type { Enrolment } from '../../recipients/index.ts'
import type { Bounds } from '../browser/attempt.ts'
import { readCookie } from '../browser/cookies.ts'
import type { Rate } from '../browser/rate.ts'
import type { Page, Site } from '../page/layout.ts'
import type { Refusals } from '../refusals/open.ts'
import { navigation } from './navigation.ts'

export interface ConsoleDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly refusals: Refusals
  readonly queue: Pick<Queue, 'insert'>
  /** The origin that operators reach this listener by. */
  readonly origin: string
  readonly sender: NoticeSender
  readonly enrolment: Enrolment
  readonly approvals: Approvals
  readonly stop: StopDeliveries
  readonly inspect: Inspect
  /** Every listener and kind of connection of this replica. */
  readonly connections: () => Promise<ConnectionInventory>
  /** Walks the way into a domain without sending. */
  readonly probe: Probe
  /** Aborted once this replica is shutting down. */
  readonly stopping: AbortSignal
}

/** What the routes of operators share. */
export interface ConsoleContext extends ConsoleDependencies, Bounds {
  readonly site: Site
  /** How often an operator may make us knock at other people's servers. */
  readonly probes: Rate
  /** How often an operator may take whole searches away as files. */
  readonly exports: Rate
}

/** Who is signed in. Throws `sign_in_required`. */
export function operatorBehind({ knex, clock }: ConsoleContext, request: Request): Promise<Operator> {
  return operatorOf(knex, clock, readCookie(request, '__Host-operator'))
}

/** A page for somebody who is signed in. */
export function forOperator(operator: Operator, page: Omit<Page, 'nav'>): Page {
  return { ...page, nav: navigation(operator) }
}
