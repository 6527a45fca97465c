import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, readlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CertificateVerdict } from '../../src/sealer/host/index.ts'
import { openBrowser } from '../support/browser-client.ts'
import { GnuPg } from './gnupg.ts'
import { attempt, openWorkplace, type Workplace } from './run.ts'

const sealpost = fileURLToPath(new URL('../../bin/sealpost', import.meta.url))
const mailbox = 'reader@bank.test'

const opened = new AsyncDisposableStack()
let gpg: GnuPg
let work: Workplace
let fingerprint: string
let file: string

beforeAll(async () => {
  work = opened.use(await openWorkplace())
  gpg = opened.use(await GnuPg.open())
  fingerprint = await gpg.generate(mailbox, 'ed25519', 'cv25519')
  const { output } = await gpg.run(['--armor', '--export', fingerprint])
  file = await work.file('reader.asc', output)
})

afterAll(() => opened.disposeAsync())

describe('cert inspect, on a file that gpg exported', () => {
  test('accepts it and exits with 0', async () => {
    const { status, output } = await attempt(sealpost, [
      'cert',
      'inspect',
      file,
      '--email',
      mailbox,
      '--json',
    ])
    const { encryptionSubkey } = await gpg.key(mailbox, fingerprint)
    expect(status).toBe(0)
    expect(JSON.parse(output.toString())).toMatchObject({
      verdict: 'accept',
      reasons: [],
      fingerprint,
      encryptionSubkey,
      algorithm: 'ecdh-curve25519',
      format: 'seipdv1',
    })
  })

  test('rejects it for another address, says why, and exits with 2', async () => {
    const other = ['cert', 'inspect', file, '--email', 'other@bank.test', '--json']
    const { status, output } = await attempt(sealpost, other)
    const { verdict, reasons } = JSON.parse(output.toString()) as CertificateVerdict
    expect({ status, verdict, reasons }).toEqual({
      status: 2,
      verdict: 'reject',
      reasons: ['user_id_mismatch'],
    })
  })

  test('rejects the private key without a trace of it', async () => {
    const secret = await work.file('secret', await gpg.exportedSecret(fingerprint))
    const { status, output, complaint } = await attempt(sealpost, [
      'cert',
      'inspect',
      secret,
      '--email',
      mailbox,
      '--json',
    ])
    expect(status).toBe(2)
    expect(JSON.parse(output.toString())).toMatchObject({ verdict: 'reject', reasons: ['private_key'] })
    expect(complaint).toBe('')
  })
})

test('the demo sends to a key of gpg, gpg reads it, and Ctrl-C leaves nothing behind', async () => {
  await using temporary = await openWorkplace()
  // PostgreSQL runs under a user of its own and must get through.
  await chmod(temporary.path, 0o711)
  const demo = spawn(sealpost, ['demo', '--gpg-recipient', file, '--to', mailbox], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary.path },
  })
  opened.defer(() => {
    if (demo.exitCode === null) demo.kill('SIGKILL')
  })
  // The demo has everybody else's part; to return the code is gpg's.
  const waiting = await until(demo, 'Then open the link in it.')
  const codeFile = /gpg --decrypt (\/\S+code\.eml)/.exec(waiting)?.[1] ?? ''
  const directory = dirname(codeFile)
  await gpg.run(['--import', join(directory, 'gateway.asc')])
  const { content: letter } = await gpg.decrypt(await readFile(codeFile))
  const link = new URL(
    /https:\S+\/prove\/[\w-]+/.exec((await PostalMime.parse(letter)).text ?? '')?.[0] ?? '',
  )
  const browser = openBrowser({
    port: Number(link.port),
    origin: link.origin,
    ca: await readFile(join(directory, 'ca.pem'), 'utf8'),
  })
  expect((await browser.submit(link.pathname)).status).toBe(200)
  browser.close()
  const told = await until(demo, 'Ctrl-C ends everything and removes it.')
  const group = await descendants(demo.pid ?? 0)
  expect(group.length).toBeGreaterThan(3)
  expect(await readdir(temporary.path)).not.toEqual([])

  const mailFile = /gpg --decrypt (\/\S+received\.eml)/.exec(told)?.[1] ?? ''
  const mail = await readFile(mailFile)
  expect(mail.includes('4111 1111')).toBe(false)
  // The very command that the demo shows: gpg finds the armour in the mail by itself.
  const { content } = await gpg.decrypt(mail)
  const { subject, text } = await PostalMime.parse(content)
  expect(subject).toBe('Chargeback 2026-1147')
  expect(text).toContain('4111 1111 1111 1111')

  const ended = once(demo, 'exit')
  demo.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  await gone(group)
  expect(await readdir(temporary.path)).toEqual([])
})

/** All that the demo has printed, once it has printed `end`. */
async function until(child: ChildProcess, end: string): Promise<string> {
  let told = ''
  const reached = new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      told += chunk.toString()
      if (told.includes(end)) resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', code => reject(new Error(`the demo ended with ${String(code)}:\n${told}`)))
  })
  await reached
  return told
}

/** Process ids of all children and their children, from /proc. */
async function descendants(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined)
    // The name stands in parentheses and may hold anything.
    const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const children = (of: number): number[] =>
    [...parents].flatMap(([pid, parent]) => (parent === of ? [pid, ...children(pid)] : []))
  return children(root)
}

async function gone(processes: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const alive = await Promise.all(processes.map(pid => readlink(`/proc/${pid}/exe`).catch(() => '')))
    if (alive.every(program => program === '')) return
    await sleep(50)
  }
  throw new Error(`still there: ${processes.join(' ')}`)
}
