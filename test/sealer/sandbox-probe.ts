import { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns/promises'
import fs from 'node:fs'
import inspector from 'node:inspector'
import net from 'node:net'
import v8 from 'node:v8'
import { Worker } from 'node:worker_threads'

/** Tries everything that a sealer must not be able to do, and reports how each attempt ended. */
const [port = '0', trace = ''] = process.argv.slice(2)
const root = new URL('../../', import.meta.url)
const own = new URL('src/sealer/inside/main.ts', root)

const attempts: Record<string, () => unknown> = {
  'read /etc/passwd': () => fs.readFileSync('/etc/passwd'),
  'read the tests': () => fs.readFileSync(new URL('test/sealer/support.ts', root)),
  'read the custody': () => fs.readdirSync(new URL('src/custody', root)),
  'read /proc/self/environ': () => fs.readFileSync('/proc/self/environ'),
  'list the root': () => fs.readdirSync('/'),
  'write a file': () => fs.writeFileSync(trace, 'probe'),
  'write over its own source': () => fs.closeSync(fs.openSync(own, 'a')),
  'start a process': () => {
    const { error } = spawnSync('/bin/true')
    if (error) throw error
  },
  'start a thread': () => new Worker('1', { eval: true }),
  'open an inspector': () => {
    inspector.open(0)
    inspector.close()
  },
  'load an addon': () => process.dlopen({ exports: {} }, '/nonexistent.node'),
  'write a heap snapshot': () => v8.writeHeapSnapshot(`${trace}.heapsnapshot`),
  'connect by TCP': () => settled(net.connect(Number(port), '127.0.0.1'), 'connect'),
  listen: () => settled(net.createServer().listen(0, '127.0.0.1'), 'listening'),
  'send by UDP': () =>
    new Promise((resolve, reject) => {
      const socket = dgram.createSocket('udp4')
      socket.once('error', reject)
      socket.send('x', 9, '127.0.0.1', error => (error ? reject(error) : resolve(undefined)))
    }),
  'ask DNS': () => dns.resolve4('example.test'),
  'look up a name': () => dns.lookup('localhost'),
  fetch: () => fetch(`http://127.0.0.1:${port}/`),
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- what it tests
  'evaluate a string': () => new Function('return 1')() as unknown,
  environment: () => {
    const names = Object.keys(process.env).filter(name => !name.startsWith('NODE_CHANNEL'))
    throw Object.assign(new Error(), { code: names.join(' ') })
  },
}

const found: Record<string, string> = {}
for (const [name, attempt] of Object.entries(attempts)) {
  // A denied listen() throws outside of any call.
  const uncaught = new Promise((_, reject) => {
    process.removeAllListeners('uncaughtException').once('uncaughtException', reject)
  })
  found[name] = await Promise.race([uncaught, Promise.resolve().then(attempt)]).then(
    () => 'allowed',
    (error: unknown) => codeOf(error),
  )
}
process.send?.(found)

function settled(emitter: net.Socket | net.Server, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once(event, () => resolve())
    emitter.once('error', reject)
  })
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.name : codeOf(error.cause)
}
