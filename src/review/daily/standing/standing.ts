import type { Knex } from 'knex'
import { latestCheckpoint } from '../../../audit-log/index.ts'
import type { ReviewOptions } from '../daily-review.ts'
import type { LogState, Pending, ReviewFacts } from '../facts.ts'
import { shown } from '../names.ts'
import { anchorsAt, countWaiting, endingSoon, lastArchive, pendingChanges } from './store.ts'

const msPerDay = 86_400_000
const most = 200

export async function pending(knex: Knex, at: Date): Promise<readonly Pending[]> {
  const rows = await pendingChanges(knex, at, most)
  return rows.map(({ id, kind, subject, askedBy, askedAt, expiresAt }) => ({
    change: id,
    kind,
    subject: shown(subject),
    askedBy: shown(askedBy),
    askedAt: askedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }))
}

/** What ends soon, the soonest first; of what belongs to the installation also what has ended. */
export async function endingWithin(
  knex: Knex,
  at: Date,
  { expiringDays = 30, own }: ReviewOptions,
): Promise<ReviewFacts['expiring']> {
  const until = new Date(at.getTime() + expiringDays * msPerDay)
  const { rows, count } = await endingSoon(knex, at, until, most)
  const ours = (own ?? []).filter(({ endsAt }) => new Date(endsAt) < until)
  const theirs = rows.map(({ what, about, detail, endsAt }) => ({
    what,
    about: detail === null ? shown(about) : `${shown(about)} ${detail}`,
    endsAt: endsAt.toISOString(),
  }))
  const list = [...ours, ...theirs].sort((a, b) => (a.endsAt < b.endsAt ? -1 : 1))
  return { list, more: count - rows.length, ownKnown: own !== undefined }
}

export async function logState(knex: Knex): Promise<LogState> {
  const checkpoint = await latestCheckpoint(knex)
  const archive = await lastArchive(knex)
  const anchors = await anchorsAt(knex)
  return {
    size: checkpoint?.size ?? 0,
    checkpoint:
      checkpoint === undefined
        ? null
        : { at: checkpoint.at.toISOString(), root: checkpoint.root.toString('base64') },
    waiting: await countWaiting(knex),
    anchors: anchors.map(({ anchor, size, at, state }) => ({
      anchor: shown(anchor),
      size,
      at: at?.toISOString() ?? null,
      state,
    })),
    archive: archive === undefined ? null : { next: archive.next, at: archive.at.toISOString() },
  }
}
