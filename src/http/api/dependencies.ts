import type { Knex } from 'knex'
import type { Check, Submit } from '../../intake/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { Feed } from '../../updates/index.ts'
import type { Refusals } from '../refusals/open.ts'
import type { Clients } from './clients.ts'
import type { BodiesInFlight } from './limits/bodies-in-flight.ts'

export interface ApiDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly clients: Clients
  readonly submit: Submit
  readonly check: Check
  readonly feed: Feed
  /** What the body of a message may weigh, in bytes. */
  readonly bodyLimit: number
  readonly bodies: BodiesInFlight
  readonly log: Logger
  readonly refusals: Refusals
  /** Aborted once this replica is shutting down. */
  readonly stopping: AbortSignal
}
