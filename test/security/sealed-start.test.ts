import { connect, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Ground, openGround, spawnServe } from '../support/serve.ts'

let ground: Ground
let keyless: TestDatabase
beforeAll(async () => {
  ground = await openGround()
  keyless = await testDatabase()
})
afterAll(async () => {
  await ground.close()
  await keyless.drop()
})

/** Runs `serve` to its end and looks all the while whether one of its ports answers. */
async function start(
  settings: Readonly<Record<string, string>>,
  passphrase = ground.passphrase,
): Promise<{ ended: number | NodeJS.Signals; output: string; opened: boolean }> {
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const
  const listen = {
    SEALPOST_API_LISTEN: `127.0.0.1:${ports[0]}`,
    SEALPOST_OPS_LISTEN: `127.0.0.1:${ports[1]}`,
    SEALPOST_CONSOLE_LISTEN: `127.0.0.1:${ports[2]}`,
    SEALPOST_PUBLIC_LISTEN: `127.0.0.1:${ports[3]}`,
  }
  const child = spawnServe({ ...ground.environment, ...listen, ...settings }, passphrase)
  const over = new AbortController()
  const ended = child.ended.finally(() => over.abort())
  let opened = false
  while (!over.signal.aborted && !opened) {
    opened = (await Promise.all(ports.map(answers))).includes(true)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  if (opened) child.signal('SIGKILL')
  return { ended: await ended, output: child.output(), opened }
}

test('the watch can fail: a gateway that is told everything right opens its ports', async () => {
  expect(await start({})).toMatchObject({ opened: true, ended: 'SIGKILL' })
})

test.concurrent.each<[string, () => Record<string, string>, string, string?]>([
  ['a wrong passphrase', () => ({}), 'passphrase_wrong', 'correct horse battery stable'],
  ['an empty passphrase', () => ({}), 'usage', ''],
  ['no signing key', () => ({ SEALPOST_DATABASE_NAME: keyless.gateway.database }), 'key_missing'],
  ['NODE_OPTIONS', () => ({ NODE_OPTIONS: '--no-warnings' }), 'unsafe_environment'],
  ['NODE_TLS_REJECT_UNAUTHORIZED=0', () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }), 'unsafe_environment'],
  ['SSLKEYLOGFILE', () => ({ SSLKEYLOGFILE: '/dev/null' }), 'unsafe_environment'],
  ['NODE_EXTRA_CA_CERTS', () => ({ NODE_EXTRA_CA_CERTS: '/dev/null' }), 'unsafe_environment'],
  ['an unknown setting', () => ({ SEALPOST_API_LISTN: '127.0.0.1:1' }), 'config_invalid'],
])('%s: serve ends with 2 and has opened no port', async (_name, settings, code, passphrase) => {
  const { ended, output, opened } = await start(settings(), passphrase)
  expect(output).toContain(code)
  expect(ended).toBe(2)
  expect(opened).toBe(false)
  expect(output).not.toContain('correct horse')
})

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : 0)
    })
  })
  await new Promise(resolve => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
