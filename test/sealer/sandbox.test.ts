import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { sealerArguments } from '../../src/sealer/host/sandbox.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const probe = join(root, 'test/sealer/sandbox-probe.ts')
const directory = mkdtempSync(join(tmpdir(), 'sealer-probe-'))
afterAll(() => rmSync(directory, { recursive: true }))

test('a sealer can open no file, socket, process, thread or debugger', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => listener.once('listening', resolve))
  const { port } = listener.address() as { port: number }
  let connections = 0
  listener.on('connection', () => connections++)
  const trace = join(directory, 'sandboxed')
  const found = await run([String(port), trace])
  listener.close()
  // What the same probe finds outside of the sandbox is below: each attempt can succeed.
  expect(found).toEqual({
    'read /etc/passwd': 'ERR_ACCESS_DENIED',
    'read the tests': 'ERR_ACCESS_DENIED',
    'read the custody': 'ERR_ACCESS_DENIED',
    'read /proc/self/environ': 'ERR_ACCESS_DENIED',
    'list the root': 'ERR_ACCESS_DENIED',
    'write a file': 'ERR_ACCESS_DENIED',
    'write over its own source': 'ERR_ACCESS_DENIED',
    'start a process': 'ERR_ACCESS_DENIED',
    'start a thread': 'ERR_ACCESS_DENIED',
    'open an inspector': 'ERR_ACCESS_DENIED',
    'load an addon': 'ERR_DLOPEN_DISABLED',
    'write a heap snapshot': 'ERR_ACCESS_DENIED',
    'connect by TCP': 'ERR_ACCESS_DENIED',
    listen: 'ERR_ACCESS_DENIED',
    'send by UDP': 'ERR_ACCESS_DENIED',
    'ask DNS': 'ERR_ACCESS_DENIED',
    'look up a name': 'ERR_ACCESS_DENIED',
    fetch: 'ERR_ACCESS_DENIED',
    'evaluate a string': 'EvalError',
    environment: '',
  })
  expect(connections).toBe(0)
  expect(existsSync(trace)).toBe(false)
})

test('the probe tells the truth: outside of the sandbox its attempts succeed', async () => {
  const listener = createServer(socket => socket.end()).listen(0, '127.0.0.1')
  await new Promise(resolve => listener.once('listening', resolve))
  const { port } = listener.address() as { port: number }
  const trace = join(directory, 'free')
  const found = await run([String(port), trace], [])
  listener.close()
  for (const attempt of [
    'read /etc/passwd',
    'write a file',
    'start a process',
    'start a thread',
    'connect by TCP',
    'listen',
  ]) {
    expect(found).toHaveProperty([attempt], 'allowed')
  }
  expect(readFileSync(trace, 'utf8')).toBe('probe')
})

/** Runs the probe exactly as a sealer is started, but for read access to the probe itself. */
function run(args: string[], execArgv = [...sealerArguments(64), `--allow-fs-read=${probe}`]) {
  return new Promise<Record<string, string>>((resolve, reject) => {
    const child = fork(probe, args, {
      execPath: process.execPath,
      execArgv,
      env: {},
      cwd: root,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.once('message', message => {
      resolve(message as Record<string, string>)
      child.kill('SIGKILL')
    })
    child.once('exit', code => reject(new Error(`the probe ended with ${code ?? 'a signal'}`)))
  })
}
