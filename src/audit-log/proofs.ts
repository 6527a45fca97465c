import type { Knex } from 'knex'

/** That the leaf is in the tree of `size` leaves (RFC 6962 section 2.1.1). Throws a `TlogError` when it is not. */
export async function inclusionProof(_knex: Knex, _leaf: number, _size: number): Promise<Buffer[]> {
  throw new Error('not yet')
}

/** That the tree of `to` leaves only adds to that of `from` leaves (RFC 6962 section 2.1.2). Throws a `TlogError` for sizes the log never had. */
export async function consistencyProof(_knex: Knex, _from: number, _to: number): Promise<Buffer[]> {
  throw new Error('not yet')
}

/** The hashes of a tile as it is in the tree of `size` leaves: `width * 32` octets. Throws a `TlogError` when that tree has no such tile. */
export async function readTile(
  _knex: Knex,
  _level: number,
  _index: number,
  _width: number,
  _size: number,
): Promise<Buffer> {
  throw new Error('not yet')
}
