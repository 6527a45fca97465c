import { createCorrespondent, openClient, openStage } from '../src/demo/index.ts'
import { type Address, domainOf } from '../src/kernel/index.ts'
import { openDatabase } from '../src/platform/index.ts'
import { activateRecipient, approvePolicy, setDestination } from '../test/support/shortcut.ts'
import { measureInspecting } from './inspecting.ts'
import { largeMessageOf, messageOf, percentile, postAll, postAtRate } from './load.ts'
import { type PeakMemory, peakMemory } from './memory.ts'
import { measurePostfix, postfixIsHere } from './postfix.ts'
import { measureSealing } from './sealing.ts'
import { startSink } from './sink.ts'

// `npm run bench [-- messages]`: every number of docs/performance.md, in one run on one machine.
const count = Number(process.argv[2] ?? 5_000)
const size = 2_048
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

const sealing = await measureSealing(5)
row('raw sealing, one process · two', `${Math.round(sealing.oneProcess)}/s · ${Math.round(sealing.pool)}/s`)

const [curve, rsa] = [await measureInspecting('curve25519', 5), await measureInspecting('rsa4096', 5)]
row(
  'verdicts on certificates, one process',
  `Curve25519 ${Math.round(curve)}/s, RSA-4096 ${Math.round(rsa)}/s`,
)

const gateway = opened.adopt(await stage.startGateway(), running => running.stop())
const client = opened.adopt(openClient(stage, gateway.apiPort), connection => connection.close())
const message = messageOf(size, address)
await postAll(client, message, 500, 32)
await sink.received(500)

const start = performance.now()
await Promise.all([postAll(client, message, count, 32), sink.received(count)])
const endToEnd = count / ((performance.now() - start) / 1000)
row(`end to end, ${count} messages of 2 kB`, `${Math.round(endToEnd)}/s`)

const rate = endToEnd / 2
const delays = await postAtRate(client, message, rate, 15)
await sink.received(delays.length)
row(
  `accept at ${Math.round(rate)}/s`,
  `p50 ${percentile(delays, 50).toFixed(1)} ms, p99 ${percentile(delays, 99).toFixed(1)} ms`,
)
row('peak memory, 2 kB messages', describe(peakMemory(gateway.pid)))

const { status } = await client.post(largeMessageOf(25 * 1024 * 1024, address))
if (status !== 202) throw new Error(`the gateway answered ${status}`)
await sink.received(1)
row('peak memory, one message of 25 MB', describe(peakMemory(gateway.pid)))

if (postfixIsHere()) {
  const postfix = await measurePostfix(sink, stage.mailAuthority.certificate, count, size)
  row(`Postfix relays ${count} messages of 2 kB`, `${Math.round(postfix)}/s`)
  row('ratio to Postfix', (endToEnd / postfix).toFixed(2))
} else row('Postfix', 'not measured: not installed, or not root')

function describe({ gateway: own, sealers }: PeakMemory): string {
  return `gateway ${own} MiB, sealers ${sealers.join(' + ')} MiB`
}

function row(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(44)} ${value}\n`)
}
