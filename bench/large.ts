import { request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCorrespondent, openStage, type Stage } from '../src/demo/index.ts'
import { type Address, domainOf } from '../src/kernel/index.ts'
import { openDatabase } from '../src/platform/index.ts'
import { activateRecipient, approvePolicy, setDestination } from '../test/support/shortcut.ts'
import { peakMemory } from './memory.ts'
import { startSink } from './sink.ts'

// `npm run bench:large [-- megabytes…]`: what messages with large attachments cost in memory, each in a gateway of its own.
const address = 'disputes@acquirer.example' as Address
const envelope = { from: 'settlement@payments.example', to: [address], subject: 'Settlement' }
const MB = 1024 * 1024
const boundary = 'B0undary'
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 25, 100]
const line = Buffer.alloc(48 * 1024, '2026-11-20;settlement;EUR;1234.56;4111 1111 1111 1111\r\n')

await using opened = new AsyncDisposableStack()
const stage = opened.adopt(await openStage(), running => running.close())
const sink = opened.adopt(await startSink(stage.mailIdentity), running => running.stop())
const { certificate } = await createCorrespondent(address)
const owner = opened.adopt(
  openDatabase(stage.database, { applicationName: 'bench', statementTimeout: 30_000, poolSize: 1 }),
  database => database.close(),
).knex
await approvePolicy(owner)
await setDestination(owner, domainOf(address), stage.mailRule(sink.port))
await activateRecipient(owner, address, certificate)

for (const [form, type, body] of [
  ['multipart', `multipart/form-data; boundary=${boundary}`, inParts],
  ['JSON', 'application/json', inJson],
] as const) {
  for (const size of sizes) {
    const gateway = await stage.startGateway({ SEALPOST_MAX_ATTACHMENT_MB: '100', SEALPOST_SEALERS: '1' })
    const before = peakMemory(gateway.pid)
    const start = performance.now()
    const status = await post(stage, gateway.apiPort, type, body(size * MB))
    if (status !== 202) throw new Error(`the gateway answered ${status}`)
    const accepted = (performance.now() - start) / 1000
    const { gateway: taking } = peakMemory(gateway.pid)
    await settled()
    const { gateway: sending, sealers } = peakMemory(gateway.pid)
    const peak = `gateway ${before.gateway}, accepted ${taking}, sent ${sending} MiB; sealer ${Math.max(...sealers)} MiB`
    process.stdout.write(
      `${`${size} MB as ${form}`.padEnd(22)} ${peak}; 202 after ${accepted.toFixed(1)} s\n`,
    )
    await gateway.stop()
  }
}

/** Delivered, or refused by a mail server that takes less. */
async function settled(): Promise<void> {
  const left = () =>
    owner('deliveries').whereIn('state', ['queued', 'sending']).first<object | undefined>('id')
  while ((await left()) !== undefined) await sleep(100)
}

function* content(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= line.length) yield line.subarray(0, left)
}

function* inParts(size: number): Generator<Buffer> {
  const part = (name: string, contentType: string) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name=${name}\r\nContent-Type: ${contentType}\r\n\r\n`,
    )
  yield part('"message"', 'application/json')
  yield Buffer.from(`${JSON.stringify(envelope)}\r\n`)
  yield part('"attachment"; filename="settlement.csv"', 'text/csv')
  yield* content(size)
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}

function* inJson(size: number): Generator<Buffer> {
  const attachments = [{ filename: 'settlement.csv', contentType: 'text/csv', content: '' }]
  const [head = '', end = ''] = JSON.stringify({ ...envelope, attachments }).split('""')
  yield Buffer.from(`${head}"`)
  for (const piece of content(size)) yield Buffer.from(piece.toString('base64'))
  yield Buffer.from(`"${end}`)
}

async function post(
  { client, authority }: Stage,
  port: number,
  type: string,
  body: Iterable<Buffer>,
): Promise<number> {
  const outgoing = request({
    host: 'localhost',
    port,
    method: 'POST',
    path: '/v1/messages',
    ca: authority.certificate,
    cert: client.certificate,
    key: client.key,
    agent: false,
    headers: { 'content-type': type },
  })
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.on('error', reject).on('response', response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
  })
  await pipeline(Readable.from(body), outgoing)
  return answered
}
