import type { Knex } from 'knex'
import { type Actor, recordEvent, type TlsEvidence } from '../../audit/index.ts'
import {
  type Address,
  type ApplicationId,
  type Clock,
  type DeliveryId,
  type MessageId,
  SealpostError,
} from '../../kernel/index.ts'
import { certificateKnown, countExposed, pageOfExposed } from './store.ts'

/** One delivery whose ciphertext the key in question opens. */
export interface ExposedDelivery {
  readonly message: MessageId
  readonly delivery: DeliveryId
  readonly application: ApplicationId
  readonly applicationName: string
  readonly address: Address
  /** Which subkey of the certificate opens it. */
  readonly encryptionSubkey: string
  readonly acceptedAt: Date
  readonly state: 'queued' | 'sending' | 'quarantined' | 'delivered' | 'failed'
  /** The named outcome so far; null before the first attempt. */
  readonly outcome: string | null
  readonly attempts: number
  /** When it reached its final state: of a delivered one, when the server took it. */
  readonly settledAt: Date | null
  /** Of the attempt that came furthest: which server, and how it had proved itself; null when none was reached. */
  readonly host: string | null
  readonly tls: TlsEvidence | null
}

export interface Exposure {
  readonly certificate: string
  readonly since: Date | null
  readonly until: Date
  /** How many deliveries were accepted for it in that time. */
  readonly deliveries: number
  /** Those, oldest first, read page by page while somebody takes them. */
  readonly rows: AsyncIterable<ExposedDelivery>
}

/**
 * What the holder of a certificate's private keys can read: every delivery that was accepted for any of its encryption
 * subkeys since a time, sent or not. That somebody asked is audited before the first row is given. Throws `not_found`.
 */
export async function exposureOf(
  knex: Knex,
  clock: Clock,
  actor: Actor,
  certificate: string,
  since?: Date,
): Promise<Exposure> {
  if (!(await certificateKnown(knex, certificate))) throw new SealpostError('not_found')
  const until = clock.now()
  const span = { certificate, since: since ?? new Date(0), until }
  const deliveries = await countExposed(knex, span)
  await recordEvent(knex, clock, actor, { type: 'exposure.reported', certificate, deliveries })
  return { certificate, since: since ?? null, until, deliveries, rows: pagesOf(knex, span) }
}

export interface Span {
  readonly certificate: string
  readonly since: Date
  readonly until: Date
}

async function* pagesOf(knex: Knex, span: Span): AsyncGenerator<ExposedDelivery> {
  let after: ExposedDelivery | undefined
  for (;;) {
    const page = await pageOfExposed(knex, span, after)
    yield* page
    after = page.at(-1)
    if (after === undefined) return
  }
}
