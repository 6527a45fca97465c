import type { Knex } from 'knex'
import type { ApplicationId } from '../kernel/index.ts'

/** An internal sender. `senders` holds the addresses it may write from, or `@domain` for a whole domain. */
export interface Application {
  readonly id: ApplicationId
  readonly name: string
  /** The one subject alternative name by which its certificates are known, as `DNS:…` or `URI:…`. */
  readonly san: string
  readonly senders: readonly string[]
  /** Whether its messages hold card numbers: all of them, some, none. */
  readonly cards: 'required' | 'allowed' | 'forbidden'
  /** As many different ones in one message; null: any number. */
  readonly maxCards: number | null
  /** Whether it may send parts that cannot be looked into, such as encrypted archives. */
  readonly unreadable: boolean
  /** How many messages it may submit a minute, of each replica. */
  readonly ratePerMinute: number
  readonly createdAt: Date
  readonly revokedAt: Date | null
}

const columns = {
  id: 'id',
  name: 'name',
  san: 'san',
  senders: 'senders',
  cards: 'cards',
  maxCards: 'max_cards',
  unreadable: 'unreadable',
  ratePerMinute: 'rate_per_minute',
  createdAt: 'created_at',
  revokedAt: 'revoked_at',
} as const

/** The applications in force that any of these names belongs to. */
export async function applicationsBySan(
  knex: Knex,
  sans: readonly string[],
): Promise<readonly Application[]> {
  return knex('applications')
    .select<Application[]>(columns)
    .whereRaw('san = ANY(?)', [[...new Set(sans)]])
    .whereNull('revoked_at')
}

export async function allApplications(knex: Knex): Promise<readonly Application[]> {
  return knex('applications').select<Application[]>(columns).orderBy('name')
}

export async function insertApplication(trx: Knex.Transaction, application: Application): Promise<void> {
  await trx('applications').insert({
    id: application.id,
    name: application.name,
    san: application.san,
    senders: application.senders,
    cards: application.cards,
    max_cards: application.maxCards,
    unreadable: application.unreadable,
    rate_per_minute: application.ratePerMinute,
    created_at: application.createdAt,
  })
}

/** The id of the application that was revoked now, or undefined when none of this name is in force. */
export async function markRevoked(
  trx: Knex.Transaction,
  name: string,
  at: Date,
): Promise<ApplicationId | undefined> {
  const rows = await trx('applications')
    .where({ name })
    .whereNull('revoked_at')
    .update({ revoked_at: at })
    .returning<{ id: ApplicationId }[]>('id')
  return rows[0]?.id
}

/** What an operator may change of an application. */
export type ApplicationChange = Partial<
  Pick<Application, 'cards' | 'maxCards' | 'unreadable' | 'ratePerMinute'>
>

/** The application in force of this name as it is now, or undefined when there is none. */
export async function updateApplication(
  trx: Knex.Transaction,
  name: string,
  { cards, maxCards, unreadable, ratePerMinute }: ApplicationChange,
): Promise<Application | undefined> {
  const [changed] = await trx('applications')
    .where({ name })
    .whereNull('revoked_at')
    // Knex leaves out what is undefined.
    .update({ cards, max_cards: maxCards, unreadable, rate_per_minute: ratePerMinute })
    .returning<{ id: ApplicationId }[]>('id')
  if (changed === undefined) return undefined
  return trx('applications').first<Application>(columns).where(changed)
}
