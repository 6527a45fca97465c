import { X509Certificate } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { dispositionOf } from '../../src/delivery/outcome.ts'
import type { SessionLimits } from '../../src/delivery/smtp/limits.ts'
import { deliverBy, patiently, routeTo } from '../support/sessions.ts'
import { type ScriptedClient, startHostile } from '../support/smtp-sink.ts'
import { recordWire, saidInClear } from '../support/wire.ts'
import {
  hostileMatrix,
  type MatrixRow,
  rowsOf,
  rowsOfWaiting,
  type Situation,
  situations,
  type Transport,
  transportsOf,
  transportsOfWaiting,
  waitingSteps,
} from './hostile/matrix.ts'
import { authority, honest, proofs, scriptOf, waitingScript } from './hostile/servers.ts'

/** What became of a session, with everything that was sent for it. */
interface Seen {
  readonly outcome: string
  /** On the wire, neither TLS nor EHLO, STARTTLS, QUIT. */
  readonly clear: string
  /** Inside TLS. */
  readonly secret: string
}

const { limits: patient } = patiently
const hasty: SessionLimits = {
  connect: 300,
  reply: 250,
  opening: 2000,
  transaction: 250,
  bytesPerSecond: 1e6,
}

const honestDigest = new X509Certificate(honest.certificate).fingerprint256

/** One session at `level`, over real sockets, with a server that follows `script`. */
async function meet(
  { situation, level }: MatrixRow,
  tls: Transport,
  script: (client: ScriptedClient, tls: Transport) => Promise<void>,
  limits: SessionLimits,
): Promise<Seen> {
  const server = await startHostile(honest, client => script(client, tls))
  const wire = await recordWire(server.port)
  try {
    const must = situation === 'REQUIRETLS is a must and is not offered'
    const revoked = situation === 'the certificate was revoked'
    const route = routeTo(wire.port, proofs[level], { tls, ...(must ? { requireTls: 'must' } : {}) })
    const { outcome } = await deliverBy(route, {
      limits,
      publicCa: authority.certificate,
      revocation: ({ fingerprint256 }) =>
        Promise.resolve({
          status: revoked && fingerprint256 === honestDigest ? 'revoked' : 'good',
          source: 'crl',
        }),
    })
    const clear = wire.connections.map(sent => saidInClear(sent(), 'gateway.test')).join('')
    return { outcome, clear, secret: server.secret() }
  } finally {
    await wire.stop()
    await server.stop()
  }
}

/** Every level at once, on each transport where the situation can be. */
async function meetAll(
  rows: readonly MatrixRow[],
  transports: readonly Transport[],
  script: (client: ScriptedClient, tls: Transport) => Promise<void>,
  limits: SessionLimits,
): Promise<readonly { readonly row: string; readonly expected: string; readonly seen: Seen }[]> {
  const runs = rows.flatMap(row => transports.map(tls => ({ row, tls })))
  return Promise.all(
    runs.map(async ({ row, tls }) => ({
      row: `${tls}, ${row.level}`,
      expected: row.outcome,
      seen: await meet(row, tls, script, limits),
    })),
  )
}

describe('nothing is said in clear, and nothing to a server that did not prove itself, when', () => {
  test.each(Object.keys(situations) as Situation[])('%s', async situation => {
    const all = await meetAll(rowsOf(situation), transportsOf(situation), scriptOf(situation), patient)
    expect(all.map(({ row, seen: { outcome } }) => [row, outcome])).toEqual(
      all.map(({ row, expected }) => [row, expected]),
    )
    for (const { row, expected, seen } of all) {
      expect(seen.clear, row).toBe('')
      if (expected === 'delivered') expect(seen.secret, row).toContain('BEGIN PGP MESSAGE')
      else if (expected.startsWith('tls_') || expected === 'starttls_injection')
        expect(seen.secret, row).toBe('')
      else expect(seen.secret, row).toMatch(/^(?:EHLO gateway\.test\r\n)?$/)
    }
  })
})

const afterProof = waitingSteps.slice(waitingSteps.indexOf('MAIL FROM'))

describe.each(['silence', 'a slow drip'] as const)('a session ends in time, with %s', kind => {
  test.each(waitingSteps)('at %s', async step => {
    const begin = performance.now()
    const all = await meetAll(
      rowsOfWaiting(step, kind),
      transportsOfWaiting(step, kind),
      waitingScript(step, kind),
      hasty,
    )
    expect(all.map(({ row, seen: { outcome } }) => [row, outcome])).toEqual(
      all.map(({ row, expected }) => [row, expected]),
    )
    for (const { row, seen } of all) {
      expect(seen.clear, row).toBe('')
      if (!afterProof.includes(step)) expect(seen.secret, row).not.toContain('MAIL')
    }
    expect(performance.now() - begin).toBeLessThan(10_000)
  })
})

test('no server, and nobody in front of one, makes a mail fail for good before it has proved itself', () => {
  const final = hostileMatrix.filter(({ outcome }) => dispositionOf(outcome) === 'permanent')
  expect(final).toEqual([])
})

/** Milliseconds for which others had to wait while `work` ran; of five tries the best, as a busy machine lags by itself. */
async function lagOf(work: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5 && best >= 100; i++) {
    const lag = monitorEventLoopDelay({ resolution: 5 })
    lag.enable()
    await work()
    lag.disable()
    best = Math.min(best, lag.max / 1e6)
  }
  return best
}

describe('a session ends at once, and nobody else is kept waiting, with an endless reply', () => {
  const kind = 'an endless reply'
  test.each(waitingSteps)('at %s', async step => {
    for (const row of rowsOfWaiting(step, kind)) {
      for (const tls of transportsOfWaiting(step, kind)) {
        const lag = await lagOf(async () => {
          const { outcome, clear, secret } = await meet(row, tls, waitingScript(step, kind), patient)
          expect({ outcome, clear }, `${tls}, ${row.level}`).toEqual({ outcome: row.outcome, clear: '' })
          if (!afterProof.includes(step)) expect(secret).not.toContain('MAIL')
        })
        expect(lag, `${tls}, ${row.level}`).toBeLessThan(100)
      }
    }
  })
})
