import type { Knex } from 'knex'
import type { Address, PolicyRecordId, ProposalId, RecipientId } from '../../kernel/index.ts'
import type { CertificateName } from '../../keys/index.ts'
import type { CertificateInUse } from '../../policy/index.ts'

type Handle = Knex | Knex.Transaction

/** Something that ends and was not spoken of yet at this distance. */
export interface Due {
  readonly subject: string
  readonly recipient: RecipientId
  readonly address: Address
  /** The end that is spoken of. */
  readonly due: Date
  /** The smallest of the distances, in days, that the end is within. */
  readonly days: number
}

/** The beginning, for {@link Due} that come page by page: what comes after which. */
export const first: Pick<Due, 'due' | 'subject'> = { due: new Date(0), subject: '' }

/** Our clocks know milliseconds; what was written with more would never equal what was read. */
const toMillisecond = (end: string): string => `date_trunc('milliseconds', ${end})`

/** Of `days`, the smallest that `end` is within at `:at`. */
const distance = (end: string): string =>
  `(SELECT min(d) FROM unnest(CAST(:days AS int[])) AS d WHERE ${end} <= CAST(:at AS timestamptz) + d * interval '1 day')`
const notReminded = `NOT EXISTS (SELECT FROM reminders m WHERE m.subject = s.subject AND m.due = s.due AND m.days = s.days)
  AND (s.due, s.subject) > (:afterDue, :afterSubject)`

/** Active certificates that end, of recipients who are active or suspended; a page, soonest first. */
export async function endingCertificates(
  knex: Handle,
  at: Date,
  days: readonly number[],
  after: Pick<Due, 'due' | 'subject'>,
  limit: number,
): Promise<readonly Due[]> {
  const { rows } = await knex.raw<{ rows: Due[] }>(
    `SELECT s.* FROM (
       SELECT c.fingerprint AS subject, r.id AS recipient, r.address, ${toMillisecond('c.expires_at')} AS due,
              ${distance('c.expires_at')} AS days
         FROM certificates c JOIN recipients r ON r.id = c.recipient_id AND r.state IN ('active', 'suspended')
        WHERE c.state = 'active' AND c.expires_at > :at
          AND c.expires_at <= CAST(:at AS timestamptz) + (SELECT max(d) FROM unnest(CAST(:days AS int[])) AS d) * interval '1 day') s
      WHERE ${notReminded} ORDER BY s.due, s.subject LIMIT :limit`,
    { at, days: [...days], afterDue: after.due, afterSubject: after.subject, limit },
  )
  return rows
}

/** Active recipients whose required attestations end; a page, soonest first. */
export async function endingAttestations(
  knex: Handle,
  at: Date,
  days: readonly number[],
  after: Pick<Due, 'due' | 'subject'>,
  limit: number,
): Promise<readonly Due[]> {
  const { rows } = await knex.raw<{ rows: Due[] }>(
    `SELECT s.* FROM (
       SELECT r.id AS subject, r.id AS recipient, r.address, ${toMillisecond('r.attested_until')} AS due,
              ${distance('r.attested_until')} AS days
         FROM recipients r
        WHERE r.state = 'active' AND r.attested_until > :at
          AND r.attested_until <= CAST(:at AS timestamptz) + (SELECT max(d) FROM unnest(CAST(:days AS int[])) AS d) * interval '1 day') s
      WHERE ${notReminded} ORDER BY s.due, s.subject LIMIT :limit`,
    { at, days: [...days], afterDue: after.due, afterSubject: after.subject, limit },
  )
  return rows
}

/** A certificate in use that a policy cuts off. */
export interface CutOff extends Due {
  readonly fingerprint: string
}

/** Active certificates that the policy of a record refuses; a page, soonest first. `days` may hold 0: from the day itself on. */
export async function cutOffs(
  knex: Handle,
  record: PolicyRecordId,
  at: Date,
  days: readonly number[],
  after: Pick<Due, 'due' | 'subject'>,
  limit: number,
): Promise<readonly CutOff[]> {
  const { rows } = await knex.raw<{ rows: CutOff[] }>(
    `SELECT s.* FROM (
       SELECT f.record_id || '/' || f.fingerprint || CASE WHEN c.follows IS NULL THEN '' ELSE '/' || c.encryption_subkey END
                AS subject, f.fingerprint, r.id AS recipient, r.address,
              ${toMillisecond('f.from_at')} AS due, ${distance('f.from_at')} AS days
         FROM policy_refusals f
         JOIN certificates c USING (fingerprint, encryption_subkey)
         JOIN recipients r ON r.id = c.recipient_id AND r.state IN ('active', 'suspended')
        WHERE f.record_id = :record AND c.state = 'active') s
      WHERE s.days IS NOT NULL AND ${notReminded} ORDER BY s.due, s.subject LIMIT :limit`,
    { record, at, days: [...days], afterDue: after.due, afterSubject: after.subject, limit },
  )
  return rows
}

export async function countRefusals(knex: Handle, record: PolicyRecordId): Promise<number> {
  const { rows } = await knex.raw<{ rows: { count: number }[] }>(
    `SELECT count(*)::int AS count FROM policy_refusals f JOIN certificates c USING (fingerprint, encryption_subkey)
      WHERE f.record_id = ? AND c.state = 'active'`,
    [record],
  )
  return rows[0]?.count ?? 0
}

/**
 * Writes down that these were spoken of, and gives those that had not been: of two replicas that come at once, one is
 * given each. The other waits for the first one's commit.
 */
export async function markReminded(
  trx: Knex.Transaction,
  reminders: readonly Pick<Due, 'subject' | 'due' | 'days'>[],
  at: Date,
): Promise<ReadonlySet<string>> {
  // In one order everywhere, so that two replicas never wait for each other.
  const sorted = reminders.toSorted((a, b) => (a.subject < b.subject ? -1 : 1))
  const { rows } = await trx.raw<{ rows: { subject: string }[] }>(
    `INSERT INTO reminders (subject, due, days, sent_at)
     SELECT s.subject, s.due, s.days, ? FROM unnest(?::text[], ?::timestamptz[], ?::int[]) AS s (subject, due, days)
     ON CONFLICT DO NOTHING RETURNING subject`,
    [at, sorted.map(({ subject }) => subject), sorted.map(({ due }) => due), sorted.map(({ days }) => days)],
  )
  return new Set(rows.map(({ subject }) => subject))
}

/** Active recipients whose attestations are over, in the order of their ids. */
export async function lapsedRecipients(
  knex: Handle,
  at: Date,
  after: string,
  limit: number,
): Promise<readonly RecipientId[]> {
  const { rows } = await knex.raw<{ rows: { id: RecipientId }[] }>(
    `SELECT id FROM recipients WHERE state = 'active' AND attested_until <= ? AND id > ? ORDER BY id LIMIT ?`,
    [at, after, limit],
  )
  return rows.map(({ id }) => id)
}

/** Open proposals whose code ran out unused, or whose certificate ended meanwhile; in the order of their ids. */
export async function staleProposals(
  knex: Handle,
  at: Date,
  after: string,
  limit: number,
): Promise<readonly ProposalId[]> {
  const { rows } = await knex.raw<{ rows: { id: ProposalId }[] }>(
    `SELECT id FROM proposals
      WHERE state NOT IN ('activated', 'dropped') AND id > ?
        AND (state = 'proposed' AND nonce_expires_at <= ? OR expires_at <= ?)
      ORDER BY id LIMIT ?`,
    [after, at, at, limit],
  )
  return rows.map(({ id }) => id)
}

/** Forgets links that open nothing any more; at most `limit`, and says how many. */
export async function deleteOldLinks(knex: Handle, before: Date, limit: number): Promise<number> {
  const { rows } = await knex.raw<{ rows: unknown[] }>(
    `DELETE FROM recipient_links WHERE token_sha256 IN (
       SELECT token_sha256 FROM recipient_links WHERE expires_at <= ? LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING 1`,
    [before, limit],
  )
  return rows.length
}

/** Certificates in use that were accepted since `since` and not yet held against this record; in pages. */
export async function unassessed(
  knex: Handle,
  record: PolicyRecordId,
  since: Date,
  after: CertificateName,
  limit: number,
): Promise<readonly CertificateInUse[]> {
  const { rows } = await knex.raw<{ rows: CertificateInUse[] }>(
    `SELECT c.fingerprint, c.encryption_subkey AS "encryptionSubkey", c.bytes, r.address
       FROM certificates c JOIN recipients r ON r.id = c.recipient_id
      WHERE c.state = 'active' AND c.accepted_at >= :since
        AND (c.fingerprint, c.encryption_subkey) > (:fingerprint, :encryptionSubkey)
        AND NOT EXISTS (SELECT FROM reminders m
              WHERE m.subject = 'assessed/' || :record || '/' || c.fingerprint || '/' || c.encryption_subkey)
      ORDER BY c.fingerprint, c.encryption_subkey LIMIT :limit`,
    { record, since, fingerprint: after.fingerprint, encryptionSubkey: after.encryptionSubkey, limit },
  )
  return rows
}

/**
 * Takes one active certificate that nobody looked for newer copies of since `before`, the one that waited longest; gives its
 * fingerprint, of which no other is active. Undefined when there is none. Two replicas never get the same one; one that dies with it leaves it for the next time.
 */
export async function takeStale(knex: Handle, before: Date, at: Date): Promise<string | undefined> {
  const { rows } = await knex.raw<{ rows: { fingerprint: string }[] }>(
    `UPDATE certificates SET refreshed_at = ? WHERE (fingerprint, encryption_subkey) = (
       SELECT fingerprint, encryption_subkey FROM certificates
        WHERE state = 'active' AND coalesce(refreshed_at, accepted_at) <= ?
        ORDER BY coalesce(refreshed_at, accepted_at) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)
     RETURNING fingerprint`,
    [at, before],
  )
  return rows[0]?.fingerprint
}

/** Of the active certificate under this primary key, else of the newest. */
export async function endOf(
  knex: Handle,
  fingerprint: string,
): Promise<{ id: RecipientId; address: Address; expiresAt: Date | null } | undefined> {
  const { rows } = await knex.raw<{ rows: { id: RecipientId; address: Address; expiresAt: Date | null }[] }>(
    `SELECT r.id, r.address, c.expires_at AS "expiresAt"
       FROM certificates c JOIN recipients r ON r.id = c.recipient_id WHERE c.fingerprint = ?
      ORDER BY c.state = 'active' DESC, c.accepted_at DESC LIMIT 1`,
    [fingerprint],
  )
  return rows[0]
}
