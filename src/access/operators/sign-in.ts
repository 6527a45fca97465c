import { createHash, randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, appendEvents, markRecorded, recordEvent } from '../../audit/index.ts'
import { type Clock, type OperatorId, SealpostError } from '../../kernel/index.ts'
import type { Operator } from './operator.ts'
import {
  deleteEndedSessions,
  deleteLinks,
  endExpiredSessions,
  endSession,
  insertLink,
  insertSession,
  lockOperator,
  operatorInForce,
  operatorNamed,
  operatorOfLink,
  touchSession,
  useLink,
} from './store.ts'

const linkMinutes = 10
/** PCI DSS 4.0.1, 8.2.8: after more than 15 minutes without use, sign in again. */
const idleMinutes = 15
const sessionHours = 12

/**
 * A link's token, for the one who asks on the host: good for 10 minutes and one use. Earlier links of the operator
 * die. Only its SHA-256 is kept. Throws `not_found` when nobody of this name is in force.
 */
export async function issueSignInLink(
  knex: Knex,
  clock: Clock,
  name: string,
): Promise<{ operator: Operator; token: string; expiresAt: Date }> {
  const token = newToken()
  return knex.transaction(async trx => {
    const found = await operatorNamed(trx, name)
    const operator = found && (await lockOperator(trx, found.id, 'beside references'))
    if (operator === undefined) throw new SealpostError('not_found')
    const createdAt = clock.now()
    const expiresAt = later(createdAt, linkMinutes)
    await deleteLinks(trx, operator.id)
    await insertLink(trx, { tokenSha256: sha256(token), operatorId: operator.id, createdAt, expiresAt })
    await appendEvents(trx, clock, [
      { actor: { kind: 'host' }, event: { type: 'operator.link.issued', operator: operator.id } },
    ])
    return { operator, token, expiresAt }
  })
}

/**
 * Opens a session with the token of a link; of two uses at once, one wins. Gives the session's token, which is kept
 * only as its SHA-256. Throws `link_invalid`, and audits it, with `from` as the actor: who tried.
 */
export async function signIn(
  knex: Knex,
  clock: Clock,
  token: string,
  from: Actor = { kind: 'gateway' },
): Promise<{ operator: Operator; session: string }> {
  const session = newToken()
  try {
    const operator = await knex.transaction(trx => openSession(trx, clock, token, session))
    return { operator, session }
  } catch (error) {
    if (error instanceof SealpostError && error.code === 'link_invalid') {
      await recordEvent(knex, clock, from, { type: 'operator.sign_in.refused', code: error.code })
      markRecorded(error)
    }
    throw error
  }
}

/**
 * Whose session this is, asking the database each time, so that a revocation holds at the next request; being asked
 * keeps it alive. A session ends after 15 minutes without use, 12 hours in all. Throws `sign_in_required`.
 */
export async function operatorOf(knex: Knex, clock: Clock, session: string | undefined): Promise<Operator> {
  const now = clock.now()
  const operator =
    session === undefined
      ? undefined
      : await touchSession(knex, sha256(session), now, later(now, -idleMinutes))
  if (operator === undefined) throw new SealpostError('sign_in_required')
  return operator
}

/** Ends a session. One that has ended already, or never was, stays so. */
export async function signOut(knex: Knex, clock: Clock, session: string): Promise<void> {
  await knex.transaction(async trx => {
    const operator = await endSession(trx, sha256(session), clock.now())
    if (operator === undefined) return
    await appendEvents(trx, clock, [
      { actor: { kind: 'operator', id: operator }, event: { type: 'operator.signed_out', operator } },
    ])
  })
}

/** Ends the sessions whose time is over, with an event each; gives how many. Any number may run. */
export function expireSessions(knex: Knex, clock: Clock): Promise<number> {
  return knex.transaction(trx => expire(trx, clock))
}

async function expire(trx: Knex.Transaction, clock: Clock, operator?: OperatorId): Promise<number> {
  const now = clock.now()
  const whose = await endExpiredSessions(trx, now, later(now, -idleMinutes), operator)
  await appendEvents(
    trx,
    clock,
    whose.map(id => ({
      actor: { kind: 'gateway' },
      // By the clock, whoever was there when it was noticed.
      from: undefined,
      event: { type: 'operator.session.expired', operator: id },
    })),
  )
  return whose.length
}

async function openSession(
  trx: Knex.Transaction,
  clock: Clock,
  token: string,
  session: string,
): Promise<Operator> {
  const createdAt = clock.now()
  const id = await operatorOfLink(trx, sha256(token))
  if (id === undefined) throw new SealpostError('link_invalid')
  // First: the session's reference to the operator waits for a revocation under way, which takes the link away.
  await insertSession(trx, {
    tokenSha256: sha256(session),
    operatorId: id,
    createdAt,
    expiresAt: later(createdAt, sessionHours * 60),
  })
  const used = await useLink(trx, sha256(token), createdAt)
  const operator = used ? await operatorInForce(trx, id) : undefined
  if (operator === undefined) throw new SealpostError('link_invalid')
  await expire(trx, clock, id)
  await deleteEndedSessions(trx, id)
  await appendEvents(trx, clock, [
    { actor: { kind: 'operator', id }, event: { type: 'operator.signed_in', operator: id } },
  ])
  return operator
}

/** 256 random bits: nothing to guess, so their SHA-256 needs no salt. */
function newToken(): string {
  return randomBytes(32).toString('base64url')
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

function later(time: Date, minutes: number): Date {
  return new Date(time.getTime() + minutes * 60_000)
}
