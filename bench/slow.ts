import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createCorrespondent, openClient, openStage } from '../src/demo/index.ts'
import { type Address, domainOf } from '../src/kernel/index.ts'
import { openDatabase } from '../src/platform/index.ts'
import { type Identity, issueClientCertificate } from '../src/platform/pki/index.ts'
import { activateRecipient, approvePolicy, setDestination } from '../test/support/shortcut.ts'
import { openSlowClients, type Slowness, slownesses } from '../test/support/slow-clients.ts'
import { judged, row } from './audit/row.ts'
import { messageOf, percentile } from './load.ts'
import { peakMemory } from './memory.ts'
import { startSink } from './sink.ts'

// `npm run bench:slow [-- connections [slowness…]]`: how fast the health check answers, and another application's messages are taken,
// while one application holds that many connections and does next to nothing with them.
interface Attack {
  readonly port: number
  readonly authority: { readonly certificate: string }
  readonly client: Identity
  readonly slowness: Slowness
  readonly count: number
}

if (process.argv[2] === 'attack') process.once('message', attack).once('disconnect', () => process.exit())
else await measure(Number(process.argv[2] ?? 2_000), process.argv.slice(3))

function attack({ slowness, count, ...target }: Attack): void {
  const clients = openSlowClients(target, slowness, count, count)
  setInterval(() => process.send?.({ open: clients.open(), opened: clients.opened() }), 100)
}

async function measure(count: number, wanted: readonly string[]): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const stage = opened.adopt(await openStage(), running => running.close())
  const sink = opened.adopt(await startSink(stage.mailIdentity), running => running.stop())
  const address = 'disputes@acquirer.example' as Address
  const { certificate } = await createCorrespondent(address)
  const owner = opened.adopt(
    openDatabase(stage.database, { applicationName: 'bench', statementTimeout: 30_000, poolSize: 1 }),
    database => database.close(),
  ).knex
  await approvePolicy(owner)
  await setDestination(owner, domainOf(address), stage.mailRule(sink.port))
  await activateRecipient(owner, address, certificate)
  const slowSan = 'urn:sealpost:application:slow'
  await stage.run(['app', 'add', 'slow', '--san', `URI:${slowSan}`, '--sender', '@slow.example'])
  await stage.run(['app', 'set', 'slow', '--rate', '1000000'])
  await stage.run(['app', 'set', 'billing', '--rate', '1000000'])
  const slowClient = await issueClientCertificate(stage.authority, { uri: slowSan, days: 1 })
  const gateway = opened.adopt(await stage.startGateway(), running => running.stop())
  const client = opened.adopt(openClient(stage, gateway.apiPort), connection => connection.close())
  const message = messageOf(2_048, address)
  const agent = new Agent({ ca: stage.authority.certificate, keepAlive: true, maxSockets: 50 })
  opened.defer(() => agent.destroy())

  const health = (): Promise<void> =>
    new Promise((resolve, reject) => {
      get({ host: 'localhost', port: gateway.opsPort, path: '/healthz', agent }, response => {
        response.resume().once('end', () => resolve())
      }).once('error', reject)
    })

  /** Asks for the health fifty times a second, and posts ten messages a second, whatever the answers' delay, until told to end. */
  const watch = () => {
    const healths: number[] = []
    const posts: number[] = []
    let refused = 0
    const under: Promise<void>[] = []
    const ask = async (): Promise<void> => {
      const began = performance.now()
      // A connection that was idle may be closed at the moment when it is used again.
      await health().catch(health)
      healths.push(performance.now() - began)
    }
    const post = async (): Promise<void> => {
      const began = performance.now()
      const { status } = await client.post(message).catch(() => ({ status: 0 }))
      if (status === 202) posts.push(performance.now() - began)
      else refused++
    }
    const asking = setInterval(() => under.push(ask()), 20)
    const posting = setInterval(() => under.push(post()), 100)
    return async () => {
      clearInterval(asking)
      clearInterval(posting)
      await Promise.all(under)
      const sorted = (times: number[]) => times.toSorted((a, b) => a - b)
      return { healths: sorted(healths), posts: sorted(posts), refused }
    }
  }
  const report = (name: string, found: Awaited<ReturnType<ReturnType<typeof watch>>>, more = ''): void => {
    const { healths, posts, refused } = found
    const p99 = percentile(healths, 99)
    const ms = (time: number | undefined) => `${(time ?? Number.NaN).toFixed(0)} ms`
    const health = `health p50 ${ms(percentile(healths, 50))}, p99 ${ms(p99)}, max ${ms(healths.at(-1))}`
    const taken = `posts p50 ${ms(percentile(posts, 50))}, p99 ${ms(percentile(posts, 99))}, refused ${refused} of ${posts.length + refused}`
    row(name, `${health}; ${taken}${more}  ${judged(p99 < 200 && refused === 0, '< 200 ms')}`)
  }

  for (let i = 0; i < 50; i++) await client.post(message)
  const quiet = watch()
  await sleep(5_000)
  report('nobody else', await quiet())

  for (const slowness of slownesses.filter(name => wanted.length === 0 || wanted.includes(name))) {
    const child = fork(fileURLToPath(import.meta.url), ['attack'])
    const at = { open: 0, opened: 0 }
    child.on('message', (now: { open: number; opened: number }) => Object.assign(at, now))
    const target = { port: gateway.apiPort, authority: stage.authority, client: slowClient }
    const coming = watch()
    const began = performance.now()
    // More large bodies at a time than an application has room for would be refused at once.
    const most = slowness === 'large-bodies' ? Math.min(count, 200) : count
    child.send({ ...target, slowness, count: most } satisfies Attack)
    while (at.open < most * 0.95 && performance.now() - began < 20_000) await sleep(50)
    const took = ((performance.now() - began) / 1000).toFixed(1)
    report(`${slowness}, while ${at.open} come`, await coming(), `; ${took} s`)
    const standing = watch()
    await sleep(8_000)
    const { gateway: own } = peakMemory(gateway.pid)
    report(`${slowness}, ${at.open} standing`, await standing(), `; ${at.opened} opened; peak ${own} MiB`)
    child.kill()
    await once(child, 'exit')
    await sleep(2_000)
  }
}
