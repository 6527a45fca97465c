import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Identity } from '../../src/platform/pki/index.ts'
import { freePort } from './receiver.ts'
import { openWorkplace, run } from './run.ts'

export interface Rsyslog extends AsyncDisposable {
  readonly port: number
  /** Every message that it wrote, in order. What a crash left of a line is none. */
  messages(): Promise<string[]>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Again, with the same configuration, file and port. */
  restart(): Promise<void>
  log(): string
}

export interface RsyslogOptions {
  readonly server: Identity
  /** PEM: whose client certificates it takes. */
  readonly sendersCa: string
  readonly driver?: 'ossl' | 'gtls'
}

/** A real rsyslog on loopback with the configuration of docs/siem.md. */
export async function startRsyslog({ server, sendersCa, driver = 'ossl' }: RsyslogOptions): Promise<Rsyslog> {
  await run('rsyslogd', ['-v'])
  await using opened = new AsyncDisposableStack()
  const home = opened.use(await openWorkplace())
  await chmod(home.path, 0o755)
  const port = await freePort()
  const output = join(home.path, 'events.log')
  const config = await home.file(
    'rsyslog.conf',
    replaced(await publishedConfiguration(), {
      'port="6514"': `port="${port}" address="127.0.0.1"`,
      'streamDriver.name="ossl"': `streamDriver.name="${driver}"`,
      'permittedPeer="gateway.example"': 'permittedPeer="gateway.test"',
      '/var/log/sealpost/events.log': output,
      '/etc/sealpost-siem/senders-ca.pem': await home.file('senders-ca.pem', sendersCa),
      '/etc/sealpost-siem/server.pem': await home.file('server.pem', server.certificate),
      '/etc/sealpost-siem/server.key': await home.file('server.key', server.key),
    }),
  )
  let log = ''
  const start = async () => {
    const child = spawn('/usr/sbin/rsyslogd', ['-n', '-f', config, '-i', join(home.path, 'pid')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
    }
    const ended = once(child, 'close')
    await listening(port, () => log)
    return {
      end: async (signal: NodeJS.Signals) => {
        child.kill(signal)
        await ended
      },
    }
  }
  let running = await start()
  opened.defer(() => running.end('SIGKILL'))
  const resources = opened.move()
  return {
    port,
    messages: async () => messagesIn(await readFile(output, 'utf8').catch(() => '')),
    kill: () => running.end('SIGKILL'),
    async restart() {
      running = await start()
    },
    log: () => log,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** The block that docs/siem.md says is run here. */
async function publishedConfiguration(): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../../docs/siem.md'), 'utf8')
  const block = /<!-- test\/interop\/rsyslog\.test\.ts runs this block -->\n```\n(.*?)```/s.exec(page)?.[1]
  if (block === undefined) throw new Error('docs/siem.md has no configuration')
  return block
}

function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`docs/siem.md does not have ${from}`)
    return before.replaceAll(from, to)
  }, text)
}

/** A message begins where its header does, also behind the rest of one that was cut off. */
function messagesIn(text: string): string[] {
  const begin = /<1\d\d>1 \d{4}-\d\d-\d\dT/g
  return text.split('\n').flatMap(line => {
    const last = [...line.matchAll(begin)].at(-1)
    return last === undefined ? [] : [line.slice(last.index)]
  })
}

async function listening(port: number, log: () => string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const socket = connect(port, '127.0.0.1')
    const there = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (there) return
    await sleep(50)
  }
  throw new Error(`rsyslog does not listen; the interop tests need rsyslog and rsyslog-openssl:\n${log()}`)
}
