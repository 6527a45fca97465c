import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openWorkplace, run, type Workplace } from './run.ts'

/** A zone below `test.`, delegated from it. */
export interface Zone {
  readonly name: string
  /** Lines of a master file, without SOA and NS. */
  readonly records: readonly string[]
  /** Whether it is signed, and the delegation with it. */
  readonly signed: boolean
  /** What somebody does to the signed zone on its way. */
  readonly tamper?: (signed: string) => string
  /** Nobody answers for it. */
  readonly lame?: boolean
}

export interface Unbound extends AsyncDisposable {
  readonly address: string
  readonly port: number
}

/**
 * A real unbound on loopback that has `test.` and these zones from files, but believes them only as its trust anchor for
 * `test.` allows; that is to say, as `validation` allows.
 */
export async function startUnbound(
  zones: readonly Zone[],
  validation: 'on' | 'permissive' | 'off' = 'on',
): Promise<Unbound> {
  await using opened = new AsyncDisposableStack()
  const home = opened.use(await openWorkplace())
  const children = await Promise.all(zones.map(zone => writeZone(home, zone)))
  const delegations = zones.flatMap(({ name }, at) => [
    `${name}. IN NS ns.${name}.`,
    ...(children[at]?.ds ?? []),
  ])
  const parent = await writeZone(home, { name: 'test', records: delegations, signed: true })

  const port = await freePort()
  const nobody = await freePort()
  const config = await home.file(
    'unbound.conf',
    `server:
  interface: 127.0.0.1
  port: ${port}
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${home.path}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-ip6: no
  do-not-query-localhost: no
  local-zone: "test." nodefault
  module-config: "${validation === 'off' ? '' : 'validator '}iterator"
  val-permissive-mode: ${validation === 'permissive' ? 'yes' : 'no'}
  trust-anchor-file: "${await home.file('anchor.ds', parent.ds.join('\n'))}"
remote-control:
  control-enable: no
${[
  { name: 'test', file: parent.file, lame: false },
  ...zones.map((zone, at) => ({ lame: false, ...zone, file: children[at]?.file })),
]
  .map(({ name, file, lame }) =>
    lame
      ? `stub-zone:\n  name: "${name}."\n  stub-addr: 127.0.0.1@${nobody}\n`
      : `auth-zone:\n  name: "${name}."\n  zonefile: "${file}"\n  for-downstream: no\n  for-upstream: yes\n  fallback-enabled: no\n`,
  )
  .join('')}`,
  )
  const child = spawn('/usr/sbin/unbound', ['-d', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  child.on('error', () => undefined)
  const ended = once(child, 'close').catch(() => undefined)
  opened.defer(async () => {
    child.kill()
    await ended
  })
  await answers(port, () => log)
  const resources = opened.move()
  return { address: '127.0.0.1', port, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/** The zone's file, signed if it is to be, and the DS records for its parent. */
async function writeZone(
  home: Workplace,
  { name, records, signed, tamper }: Zone,
): Promise<{ readonly file: string; readonly ds: readonly string[] }> {
  const head = [
    `$ORIGIN ${name}.`,
    '$TTL 60',
    `@ IN SOA ns.${name}. hostmaster.${name}. 1 3600 600 86400 60`,
    `@ IN NS ns.${name}.`,
    `ns.${name}. IN A 127.0.0.1`,
  ]
  const file = await home.file(`${name}.zone`, `${[...head, ...records].join('\n')}\n`)
  if (!signed) return { file, ds: [] }
  const keygen = ['-a', 'ECDSAP256SHA256', '-k', '-r', '/dev/urandom', `${name}.`]
  const { output } = await run('sh', ['-c', 'cd "$0" && exec ldns-keygen "$@"', home.path, ...keygen])
  const key = join(home.path, output.toString('utf8').trim())
  await run('ldns-signzone', ['-f', `${file}.signed`, file, key])
  if (tamper !== undefined) {
    const whole = await readFile(`${file}.signed`, 'utf8')
    const tampered = tamper(whole)
    if (tampered === whole) throw new Error('nothing was tampered with')
    await home.file(`${name}.zone.signed`, tampered)
  }
  return { file: `${file}.signed`, ds: [(await readFile(`${key}.ds`, 'utf8')).trim()] }
}

async function answers(port: number, log: () => string): Promise<void> {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  for (let tries = 0; tries < 100; tries++) {
    try {
      await resolver.resolveSoa('test')
      return
    } catch {
      await sleep(100)
    }
  }
  throw new Error(
    `unbound does not answer; the interop tests need the packages unbound and ldnsutils:\n${log()}`,
  )
}

/** Free for UDP and TCP. */
async function freePort(): Promise<number> {
  const port = 20_000 + randomInt(12_000)
  const udp = createSocket('udp4')
  const tcp = createServer()
  const free = await Promise.all([
    new Promise<boolean>(resolve => {
      udp.once('error', () => resolve(false)).bind(port, '127.0.0.1', () => resolve(true))
    }),
    new Promise<boolean>(resolve => {
      tcp.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    }),
  ])
  await Promise.all([
    free[0] ? new Promise<void>(resolve => udp.close(() => resolve())) : undefined,
    free[1] ? new Promise(resolve => tcp.close(resolve)) : undefined,
  ])
  return free[0] && free[1] ? port : freePort()
}
