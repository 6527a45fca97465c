import type { Knex } from 'knex'
import type { Clock, RecipientCode, RecipientId } from '../../kernel/index.ts'

/**
 * Settles every queued delivery of a primary key, of one of its encryption subkeys, or of a recipient as failed with
 * `code`, in the caller's transaction, with their events; gives how many. Belongs to `delivery`, which imports this room:
 * so it is passed in.
 */
export type StopDeliveries = (
  trx: Knex.Transaction,
  clock: Clock,
  which:
    | { readonly certificate: string; readonly encryptionSubkey?: string }
    | { readonly recipient: RecipientId },
  code: RecipientCode,
) => Promise<number>
