import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Clock, type RecipientId, SealpostError } from '../../kernel/index.ts'
import { deleteLinks, findLink, insertLink, type LinkPurpose, markUsed } from './store.ts'

const day = 86_400_000
const sessionLife = day
/** A mail that is found again after this says nothing any more; the owner of the key then asks an admin. */
const revokeLife = 400 * day

export type Random = (size: number) => Uint8Array

/** A token to hand out. Only its SHA-256 is stored, so that the database opens no page. */
export interface Link {
  readonly token: string
  readonly expiresAt: Date
  /** Until this commits, the token opens nothing. */
  store(trx: Knex.Transaction): Promise<void>
}

export interface Links {
  /** Opens a page of enrolment, once. */
  enrol(recipient: RecipientId, days: number): Link
  session(recipient: RecipientId): Link
  /** Opens the page that stops the use of a key. */
  stop(recipient: RecipientId): Link
}

export function openLinks(clock: Clock, random: Random): Links {
  const make = (purpose: LinkPurpose, recipient: RecipientId, life: number): Link => {
    const token = Buffer.from(random(32)).toString('base64url')
    const createdAt = clock.now()
    const expiresAt = new Date(createdAt.getTime() + life)
    const sha256 = digest(token)
    return {
      token,
      expiresAt,
      store: trx => insertLink(trx, { sha256, purpose, recipient, createdAt, expiresAt }),
    }
  }
  return {
    enrol: (recipient, days) => make('enrol', recipient, days * day),
    session: recipient => make('session', recipient, sessionLife),
    stop: recipient => make('revoke', recipient, revokeLife),
  }
}

/** Whom a token of this purpose belongs to and whether it was used; undefined for one that is unknown or over. */
export async function ownerOf(
  knex: Knex,
  token: string | undefined,
  purpose: LinkPurpose,
  at: Date,
): Promise<{ recipient: RecipientId; used: boolean } | undefined> {
  return token === undefined || !form.test(token) ? undefined : findLink(knex, digest(token), purpose, at)
}

/** Throws `link_invalid` unless this call used the link up. */
export async function useUp(
  trx: Knex.Transaction,
  token: string,
  purpose: LinkPurpose,
  at: Date,
): Promise<void> {
  if (!(await markUsed(trx, digest(token), purpose, at))) throw new SealpostError('link_invalid')
}

/** Ends invitations and pages. What stops the use of a key stays good for as long as the mail it stands in. */
export async function endLinks(trx: Knex.Transaction, recipient: RecipientId): Promise<void> {
  await deleteLinks(trx, recipient, ['enrol', 'session'])
}

const form = /^[A-Za-z0-9_-]{43}$/

function digest(token: string): Buffer {
  return createHash('sha256').update(token, 'ascii').digest()
}
