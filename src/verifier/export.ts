import { join } from 'node:path'
import { type NoteVerifier, parseVerifier, TlogError } from '../tlog/index.ts'
import { inBoth, openGaps, type Run } from './gaps.ts'
import { namesIn, readSmallFile } from './reading/files.ts'
import { largestCosigned, type Note, openHead, readNote, type SignedHead } from './reading/notes.ts'
import { type Find, openFindings, type Report } from './report.ts'
import { verifyTree } from './tree.ts'
import { type Mark, Way } from './way.ts'

export interface VerifyOptions {
  /** The log's keys, as they came by another way than the directory. None: the directory's own, and a caution. */
  readonly keys?: readonly NoteVerifier[]
  /** Checkpoints that were kept where who has the database cannot change them. */
  readonly anchors?: Iterable<Note>
  /** Who must have cosigned a checkpoint of the directories. */
  readonly witnesses?: readonly NoteVerifier[]
  /** The leaves whose events must be here; default: all. Of a filtered export none. What is here is verified in any case. */
  readonly needed?: Run
  /** Is told how many leaves of a directory are done, now and then. */
  readonly onProgress?: (leaves: number) => void
}

/**
 * Verifies directories that `audit export` or `audit archive` made of one log; together they must hold all events of the largest
 * tree. Reads nothing but these, changes nothing. Throws only what the file system does. Format: docs/audit-log.md.
 */
export function verifyExport(directories: readonly string[], options: VerifyOptions = {}): Report {
  const { keys: pinned = [], anchors = [], witnesses = [] } = options
  const { find, findings, count } = openFindings()
  const keys = pinned.length > 0 ? pinned : directories.flatMap(ownKey)

  // What the log signed: the head of each directory, and older checkpoints.
  const heads = directories.map(directory => signedHead(join(directory, 'checkpoint'), keys, find))
  const older = directories.flatMap(directory => checkpointsIn(directory, keys, find))
  const signed = [...heads, ...older].filter(head => head !== undefined)
  const largest = heads.reduce((a, b) => (b !== undefined && b.size > (a?.size ?? 0) ? b : a), undefined)
  const size = largest?.size ?? 0

  // What is known from outside. A piece of a note, as a crash leaves, says nothing.
  let unreadable = 0
  const outside = [...anchors].flatMap(note => {
    const seen: Find = (code, where) => {
      if (code === 'checkpoint_malformed') unreadable += 1
      else find(code, where)
    }
    return openHead(note, keys, seen) ?? []
  })
  // Without a head that is signed, what is missing is said already.
  if (largest !== undefined) {
    for (const head of outside) if (head.size > size) find('truncated', head.where, size, head.size)
    for (const { origin, where } of [...signed, ...outside])
      if (origin !== largest.origin) find('other_log', where)
  }

  // Each tree from its events up; on the way of the largest, all checkpoints.
  const way = new Way(
    [
      ...signed
        .filter(head => head !== largest)
        .map((head): Mark => ({ head, otherwise: 'checkpoint_wrong' })),
      ...outside.map((head): Mark => ({ head, otherwise: 'forked' })),
    ],
    find,
  )
  let events = 0
  let missing: readonly Run[] = [{ first: 0, next: size }]
  directories.forEach((directory, at) => {
    const head = heads[at]
    if (head === undefined) return
    const gaps = openGaps()
    const root = verifyTree({
      directory,
      head,
      find,
      onEvent: (leaf, belongs) => {
        if (belongs) events += 1
        gaps.met(leaf)
      },
      onLeaf: tree => {
        if (head === largest) way.check(tree)
        if (tree.size % 10_000 === 0) options.onProgress?.(tree.size)
      },
    })
    if (root?.equals(head.root) === false)
      find('root_wrong', head.where, head === largest ? way.size : 0, head.size)
    missing = inBoth(missing, gaps.until(size))
  })
  const needed = options.needed ?? { first: 0, next: size }
  for (const { first, next } of inBoth(missing, [needed])) find('event_missing', 'events', first, next)

  // Who else saw it.
  const witnessed = (largest === undefined ? [] : witnesses).flatMap(witness => {
    const cosigned = largestCosigned(witness, [...signed, ...outside])
    if (cosigned === undefined) find('cosignature_missing', witness.name)
    return cosigned ?? []
  })

  const known = Math.max(way.anchored, ...witnessed.map(cosigned => cosigned.size))
  return {
    ok: count() === 0,
    findings,
    found: count(),
    cautions: [
      ...(pinned.length > 0 ? [] : (['key_not_pinned'] as const)),
      ...(known === 0 ? (['not_anchored'] as const) : known < size ? (['anchored_in_part'] as const) : []),
      ...(unreadable > 0 ? (['anchor_unreadable'] as const) : []),
      ...(missing.length > 0 ? (['events_in_part'] as const) : []),
    ],
    ...(largest && {
      log: { origin: largest.origin, size, root: Buffer.from(largest.root).toString('base64') },
    }),
    events,
    checkpoints: way.agreed,
    anchored: known,
    witnessed,
  }
}

function signedHead(path: string, keys: readonly NoteVerifier[], find: Find): SignedHead | undefined {
  const note = readNote(path)
  if (note !== undefined) return openHead(note, keys, find)
  find('checkpoint_missing', path)
  return undefined
}

/** Those in `checkpoints/`, each named by its size. */
function checkpointsIn(directory: string, keys: readonly NoteVerifier[], find: Find): readonly SignedHead[] {
  return namesIn(join(directory, 'checkpoints')).flatMap(name => {
    const path = join(directory, 'checkpoints', name)
    const head = signedHead(path, keys, find)
    if (head !== undefined && name !== String(head.size)) find('checkpoint_malformed', path)
    return head ?? []
  })
}

/** The keys that the directory says are the log's, one in each line. */
function ownKey(directory: string): readonly NoteVerifier[] {
  try {
    const lines = readSmallFile(join(directory, 'verifier'), 16_384)?.toString().split('\n') ?? []
    return lines.filter(line => line !== '').map(parseVerifier)
  } catch (error) {
    if (error instanceof TlogError) return []
    throw error
  }
}
