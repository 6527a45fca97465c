import { type ChildProcess, fork } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { Knex } from 'knex'
import { type AlarmCode, appendEvents } from '../../../src/audit/index.ts'
import { openSequencer, type Sequencer } from '../../../src/audit-log/index.ts'
import type { DatabaseConfig } from '../../../src/config/index.ts'
import { type Clock, systemClock } from '../../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../../src/platform/index.ts'
import {
  leafHash,
  type NoteSigner,
  nodeHash,
  noteSigner,
  openNote,
  parseCheckpoint,
  rootOfHashes,
} from '../../../src/tlog/index.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { eventually } from '../../support/locks.ts'

/** A database with the log of a gateway, and what a test does to it. */
export interface TestLog {
  readonly database: TestDatabase
  readonly owner: Knex
  readonly gateway: Knex
  readonly superuser: Knex
  readonly key: NoteSigner
  readonly alarms: Set<AlarmCode>
  /** A sequencer that passes when the test says so, and once by itself. */
  sequencer(options?: { clock?: Clock; batch?: number; every?: number }): Sequencer
  /** A sequencer in a process of its own. What it writes comes into `alarms`. */
  spawn(batch?: number): Promise<ChildProcess>
  /** In one transaction. */
  append(count: number): Promise<void>
  /** Passes until nothing waits; other tests' transactions hold the log up, because the server is one. */
  settled(sequencer: Sequencer): Promise<void>
  close(): Promise<void>
}

export const origin = 'gateway.test/audit-log'

export async function openTestLog(): Promise<TestLog> {
  await using opened = new AsyncDisposableStack()
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const pool = (config: DatabaseConfig, poolSize: number): Knex =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 30_000, poolSize }),
      used => used.close(),
    ).knex
  const [owner, gateway, superuser] = [
    pool(database.owner, 2),
    pool(database.gateway, 8),
    pool(database.superuser, 2),
  ]
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = noteSigner(origin, privateKey)
  const alarms = new Set<AlarmCode>()
  const log = openLogger({ level: 'error', destination: { write: () => true } })
  const children = opened.adopt(new Set<ChildProcess>(), running => {
    for (const child of running) child.kill('SIGKILL')
  })
  const sequencers = opened.adopt(new Set<Sequencer>(), async running => {
    await Promise.all([...running].map(one => one.stop()))
  })
  const resources = opened.move()
  return {
    database,
    owner,
    gateway,
    superuser,
    key,
    alarms,
    sequencer({ clock = systemClock, batch = 16_384, every = 10 ** 9 } = {}) {
      const raising = {
        raise: (code: AlarmCode) => alarms.add(code),
        clear: (code: AlarmCode) => alarms.delete(code),
      }
      const one = openSequencer({ knex: gateway, clock, log, key, alarms: raising, every, batch })
      sequencers.add(one)
      return one
    },
    async spawn(batch = 16_384) {
      const child = fork(new URL('../../support/sequencer-process.ts', import.meta.url), {
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      children.add(child)
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
      child.send({ gateway: database.gateway, origin, key: pem, batch })
      await once(child, 'message')
      child.on('message', code => alarms.add(code as AlarmCode))
      return child
    },
    append: count => gateway.transaction(trx => appendSome(trx, count)),
    async settled(sequencer) {
      await eventually('all events are in the log', async () => {
        await sequencer.pass()
        return (await waiting(owner)) === 0
      })
    },
    close: () => resources.disposeAsync(),
  }
}

export function appendSome(trx: Knex.Transaction, count: number): Promise<void> {
  const entry = { actor: { kind: 'gateway' }, event: { type: 'gateway.stopped' } } as const
  return appendEvents(
    trx,
    systemClock,
    Array.from({ length: count }, () => entry),
  )
}

/** Events that are not in the log. */
export async function waiting(knex: Knex): Promise<number> {
  const { rows } = await knex.raw<{ rows: { count: number }[] }>(
    'SELECT (SELECT count(*)::int FROM audit_events) - (SELECT count(*)::int FROM audit_leaves) AS count',
  )
  return rows[0]?.count ?? 0
}

/**
 * Checks all of the log from its tables, without the code that reads it: leaves are numbered without a gap, no event is there
 * twice, each event is what its hash says, each checkpoint is signed and has the root of its leaves, each full tile is there and right,
 * nothing else is. Gives how many leaves there are, and in which order of `seq`.
 */
export async function reverify(
  knex: Knex,
  { verifier }: NoteSigner,
): Promise<{ size: number; order: string[] }> {
  const leaves = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .orderBy('l.leaf')
    .select<{ leaf: string; seq: string; hash: Buffer; body: string }[]>(
      'l.leaf',
      'l.seq',
      'e.hash',
      'e.body',
    )
  const faults: string[] = []
  if (new Set(leaves.map(({ seq }) => seq)).size !== leaves.length) faults.push('an event is there twice')
  for (const [at, { leaf, hash, body }] of leaves.entries()) {
    if (Number(leaf) !== at) faults.push(`leaf ${leaf} stands at ${at}`)
    if (!leafHash(body).equals(hash)) faults.push(`leaf ${leaf} is not its hash`)
  }
  const hashes = leaves.map(({ hash }) => hash)
  const checkpoints = await knex('audit_checkpoints')
    .orderBy('size')
    .select<{ size: string; root: Buffer; note: string }[]>('size', 'root', 'note')
  const growing = growingRoot(hashes)
  for (const { size, root, note } of checkpoints) {
    const head = parseCheckpoint(openNote(note, [verifier]).text)
    const expected = growing(Number(size))
    if (
      head.origin !== verifier.name ||
      head.size !== Number(size) ||
      !expected.equals(head.root) ||
      !expected.equals(root)
    )
      faults.push(`checkpoint ${size}`)
  }
  const size = Number(checkpoints.at(-1)?.size ?? 0)
  if (size !== leaves.length) faults.push(`${leaves.length} leaves under a checkpoint of ${size}`)

  const tiles =
    await knex('audit_tiles').select<{ level: number; index: string; hashes: Buffer; root: Buffer }[]>()
  let row = hashes
  let expectedTiles = 0
  for (let level = 0; row.length >= 256; level += 1) {
    const above: Buffer[] = []
    for (let index = 0; index < Math.floor(row.length / 256); index += 1) {
      const own = row.slice(index * 256, (index + 1) * 256)
      const tile = tiles.find(one => one.level === level && Number(one.index) === index)
      above.push(rootOfHashes(own))
      if (
        tile === undefined ||
        !tile.hashes.equals(Buffer.concat(own)) ||
        !tile.root.equals(rootOfHashes(own))
      )
        faults.push(`tile ${level}/${index}`)
    }
    expectedTiles += above.length
    row = above
  }
  if (tiles.length !== expectedTiles) faults.push(`${tiles.length} tiles of ${expectedTiles}`)
  if (faults.length > 0) throw new Error(faults.join('; '))
  return { size, order: leaves.map(({ seq }) => seq) }
}

/** The root of the first leaves, of ever more of them: what is complete is kept, by its height. */
function growingRoot(hashes: readonly Buffer[]): (size: number) => Buffer {
  const kept: { height: number; hash: Buffer }[] = []
  let taken = 0
  return size => {
    for (; taken < size; taken += 1) {
      let node = { height: 0, hash: hashes[taken] ?? Buffer.alloc(0) }
      for (let last = kept.at(-1); last?.height === node.height; last = kept.at(-1)) {
        node = { height: node.height + 1, hash: nodeHash(last.hash, node.hash) }
        kept.pop()
      }
      kept.push(node)
    }
    return kept.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right))
  }
}

/** What `reverify` gives as the order, if it is the one of the transactions. */
export async function orderOfTransactions(knex: Knex): Promise<string[]> {
  return knex('audit_events').orderBy(['xact', 'seq']).pluck<string[]>('seq')
}
