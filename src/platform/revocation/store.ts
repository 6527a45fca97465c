import type { Knex } from 'knex'
import type { ListStore, StoredList } from './crl/lists.ts'

// A list comes out of the database in pieces: the text form of 16 MiB at once would hold the event loop.
const piece = 1024 * 1024

/** The lists that a gateway fetched, for every replica. What comes out is verified like what comes from outside. */
export function listStore(knex: Knex): ListStore {
  return {
    async find(url) {
      const row = await findRow(knex, url)
      if (row === undefined) return undefined
      const pieces: Buffer[] = []
      for (let from = 1; from <= row.length; from += piece) {
        const read = await findPiece(knex, url, row.fetched_at, from)
        if (read === undefined) return undefined
        pieces.push(read)
      }
      return { url, der: Buffer.concat(pieces), fetchedAt: row.fetched_at }
    },
    async keep(list) {
      await deleteEnded(knex, list.fetchedAt)
      await upsertList(knex, list)
    },
  }
}

interface Row {
  readonly fetched_at: Date
  readonly length: number
}

function findRow(knex: Knex, url: string): Promise<Row | undefined> {
  return knex('revocation_lists')
    .where({ url })
    .first<Row | undefined>('fetched_at', knex.raw('octet_length(der) AS length'))
}

async function findPiece(
  knex: Knex,
  url: string,
  fetchedAt: Date,
  from: number,
): Promise<Buffer | undefined> {
  const row = await knex('revocation_lists')
    .where({ url, fetched_at: fetchedAt })
    .first<{ piece: Buffer } | undefined>(
      knex.raw('substring(der FROM ?::int FOR ?::int) AS piece', [from, piece]),
    )
  return row?.piece
}

/** What has ended says nothing any more. */
async function deleteEnded(knex: Knex, now: Date): Promise<void> {
  await knex('revocation_lists').where('next_update', '<', now).delete()
}

/** Never puts an older list of the same issuer in the place of a newer one. */
async function upsertList(knex: Knex, list: StoredList & KeptFacts): Promise<void> {
  await knex('revocation_lists')
    .insert({
      url: list.url,
      issuer_sha256: list.issuerSha256,
      der: list.der,
      this_update: list.thisUpdate,
      next_update: list.nextUpdate,
      fetched_at: list.fetchedAt,
    })
    .onConflict('url')
    .merge()
    .whereRaw(
      'revocation_lists.this_update <= excluded.this_update OR revocation_lists.issuer_sha256 <> excluded.issuer_sha256',
    )
}

type KeptFacts = Parameters<ListStore['keep']>[0]
