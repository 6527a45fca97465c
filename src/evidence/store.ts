import type { Knex } from 'knex'
import { enrolmentTypes } from '../audit-log/index.ts'
import type { ApplicationId, MessageId } from '../kernel/index.ts'
import type { Leaf } from '../verifier/index.ts'

/** What the tables say of a message: the log must have it all before there is evidence. */
export interface MessageRow {
  readonly application: ApplicationId
  /** Whether its acceptance is among the leaves whose events may have left for an archive: older than three months. */
  readonly past: boolean
  readonly deliveries: readonly { readonly id: string; readonly settled: boolean }[]
  readonly attempts: readonly {
    readonly delivery: string
    readonly number: number
    readonly reply: string | null
  }[]
}

/** The message, if it is this application's; of any when none is given. */
export async function findMessage(
  knex: Knex,
  id: MessageId,
  application: ApplicationId | undefined,
): Promise<MessageRow | undefined> {
  const { rows } = await knex.raw<{ rows: MessageRow[] }>(
    `SELECT m.application_id AS application, m.accepted_at < now() - interval '3 months' AS past,
            (SELECT json_agg(json_build_object('id', d.id, 'settled', d.settled_at IS NOT NULL))
               FROM deliveries d WHERE d.message_id = m.id) AS deliveries,
            coalesce((SELECT json_agg(json_build_object('delivery', a.delivery_id, 'number', a.number, 'reply', a.reply))
               FROM deliveries d JOIN attempts a ON a.delivery_id = d.id WHERE d.message_id = m.id), '[]') AS attempts
       FROM messages m WHERE m.id = ?`,
    [id],
  )
  const [row] = rows
  return application === undefined || row?.application === application ? row : undefined
}

/** Events in their place in the log, in no order. */
export async function eventsAt(knex: Knex, leaves: readonly number[]): Promise<Leaf[]> {
  const { rows } = await knex.raw<{ rows: StoredLeaf[] }>(
    `SELECT l.leaf, e.body FROM audit_leaves l JOIN audit_events e ON e.seq = l.seq WHERE l.leaf = ANY(?::bigint[])`,
    [[...leaves]],
  )
  return rows.map(leafOf)
}

/** As the index `audit_events_of_subjects` of migration 0007 has them, word by word. */
const subject = `coalesce(e.body::jsonb ->> 'recipient', e.body::jsonb ->> 'subject',
  e.body::jsonb ->> 'operator', e.body::jsonb ->> 'record', e.body::jsonb ->> 'application')`
const types = `(${enrolmentTypes.map(type => `'${type}'`).join(', ')})`

/**
 * What happened to recipients, operators, adopted policies and applications, and the requests about any subject, in no
 * order; as far as it is in the log.
 */
export async function eventsAbout(knex: Knex, subjects: readonly string[]): Promise<Leaf[]> {
  const { rows } = await knex.raw<{ rows: StoredLeaf[] }>(
    `SELECT l.leaf, e.body FROM audit_events e JOIN audit_leaves l ON l.seq = e.seq
      WHERE e.type IN ${types} AND ${subject} = ANY(?::text[])`,
    [[...subjects]],
  )
  return rows.map(leafOf)
}

/** What happened to the rules of domains, in no order; as far as it is in the log. */
export async function eventsOfDomains(knex: Knex, domains: readonly string[]): Promise<Leaf[]> {
  const { rows } = await knex.raw<{ rows: StoredLeaf[] }>(
    `SELECT l.leaf, e.body FROM audit_events e JOIN audit_leaves l ON l.seq = e.seq
      WHERE e.type IN ('destination.set', 'destination.removed') AND e.body::jsonb ->> 'domain' = ANY(?::text[])`,
    [[...domains]],
  )
  return rows.map(leafOf)
}

/** The public keys that checkpoints were ever signed by. */
export async function findVerifiers(knex: Knex): Promise<readonly string[]> {
  return knex('log_keys').orderBy('created_at', 'desc').pluck<string[]>('verifier')
}

// PostgreSQL's driver gives a bigint as text; leaves are safe integers.
interface StoredLeaf {
  readonly leaf: string
  readonly body: string
}

function leafOf({ leaf, body }: StoredLeaf): Leaf {
  return { leaf: Number(leaf), body }
}
