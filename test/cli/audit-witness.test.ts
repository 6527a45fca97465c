import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test, vi } from 'vitest'
import { openFetcher } from '../../src/platform/https/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { formatVerifier, parseVerifier, verifyCosignature } from '../../src/tlog/index.ts'
import { growingLog } from '../support/growing-log.ts'

// It starts the program, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const program = new URL('../../bin/sealpost', import.meta.url).pathname

test('audit witness says its key, cosigns, and ends on SIGTERM; it wants settings for nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'witness-'))
  const authority = await createAuthority({ commonName: 'Witness CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['witness.test'], days: 1 })
  writeFileSync(join(directory, 'cert.pem'), identity.certificate)
  writeFileSync(join(directory, 'key.pem'), identity.key, { mode: 0o600 })
  const log = growingLog()
  const witness = spawn(
    program,
    [
      ...['audit', 'witness', '--state', join(directory, 'state')],
      ...['--log', formatVerifier(log.signer.verifier), '--listen', '127.0.0.1:0'],
      ...['--tls-cert', join(directory, 'cert.pem'), '--tls-key', join(directory, 'key.pem')],
    ],
    { cwd: directory, env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const lines = createInterface({ input: witness.stdout })[Symbol.asyncIterator]()
    const next = async () => String((await lines.next()).value)
    const verifier = parseVerifier(await next())
    expect(verifier).toMatchObject({ name: 'witness.test/witness', kind: 'cosignature' })
    const { event, port } = JSON.parse(await next()) as { event: string; port: number }
    expect(event).toBe('witness-started')

    const fetcher = openFetcher({
      ca: authority.certificate,
      allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
      lookup: () => Promise.resolve(['127.0.0.1']),
    })
    const url = new URL(`https://witness.test:${port}/add-checkpoint`)
    const reply = await fetcher.post(url, await log.submission(0, 8), 'text/plain')
    expect(reply).toMatchObject({ ok: true, status: 200 })
    const line = reply.ok ? Buffer.from(reply.bytes).toString() : ''
    expect(verifyCosignature(line, log.checkpoint(8).note, verifier)).toBeGreaterThan(1_700_000_000)

    witness.kill('SIGTERM')
    expect(await once(witness, 'exit')).toEqual([0, null])
  } finally {
    witness.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  }
})
