import pg from 'pg'
import { createCorrespondent, openClient, openStage } from '../../src/demo/index.ts'
import { type Address, domainOf } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { activateRecipient, approvePolicy, setDestination } from '../../test/support/shortcut.ts'
import { messageOf, postAll } from '../load.ts'
import { startSink } from '../sink.ts'
import { judged, row } from './row.ts'

// `node bench/audit/accept.ts [messages] [rounds]`: messages accepted a second while events are taken into the log, and while they are
// not, in turns on one gateway, so that what else the machine does meets both.
const count = Number(process.argv[2] ?? 2_000)
const rounds = Number(process.argv[3] ?? 5)
const address = 'disputes@acquirer.example' as Address

await using opened = new AsyncDisposableStack()
const stage = opened.adopt(await openStage(), running => running.close())
const sink = opened.adopt(await startSink(stage.mailIdentity), running => running.stop())
const { certificate } = await createCorrespondent(address)
const owner = opened.adopt(
  openDatabase(stage.database, { applicationName: 'bench', statementTimeout: 30_000, poolSize: 1 }),
  database => database.close(),
).knex
await approvePolicy(owner)
await stage.run(['app', 'set', 'billing', '--rate', '1000000'])
await setDestination(owner, domainOf(address), stage.mailRule(sink.port))
await activateRecipient(owner, address, certificate)
const gateway = opened.adopt(await stage.startGateway(), running => running.stop())
const client = opened.adopt(openClient(stage, gateway.apiPort), connection => connection.close())
const message = messageOf(2_048, address)

/** Whoever holds the lock of the log lets no pass through. */
if (stage.database.kind !== 'socket') throw new Error('the stage has its PostgreSQL at a socket')
const holder = new pg.Client({
  host: stage.database.directory,
  user: stage.database.user,
  database: stage.database.database,
})
await holder.connect()
opened.defer(() => holder.end())
const lock = (what: 'lock' | 'unlock') => holder.query(`SELECT pg_advisory_${what}(7020486530)`)

const rates = { on: 0, off: 0 }
await postAll(client, message, 500, 32)
await sink.received(500)
for (let round = 0; round < rounds; round += 1) {
  // Which comes first changes, because the second finds a database that is busier.
  for (const turn of round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
    await settled()
    if (turn === 'off') await lock('lock')
    const start = performance.now()
    await Promise.all([postAll(client, message, count, 32), sink.received(count)])
    rates[turn] += count / ((performance.now() - start) / 1000) / rounds
    if (turn === 'off') await lock('unlock')
  }
}
row(`${count} messages accepted and sent, log on`, `${Math.round(rates.on)}/s`)
row(`${count} messages accepted and sent, log off`, `${Math.round(rates.off)}/s`)
row('ratio', `${(rates.on / rates.off).toFixed(3)}  ${judged(rates.on / rates.off >= 0.95, '>= 0.95')}`)

/** All events so far are in the log. */
async function settled(): Promise<void> {
  for (;;) {
    const { rows } = await owner.raw<{ rows: [{ waiting: boolean }] }>(
      'SELECT (SELECT count(*) FROM audit_events) > (SELECT count(*) FROM audit_leaves) AS waiting',
    )
    if (!rows[0].waiting) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
