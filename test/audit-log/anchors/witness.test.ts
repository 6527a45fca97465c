import { generateKeyPairSync } from 'node:crypto'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Anchor, openWitnessAnchor } from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { type FetcherOptions, openFetcher } from '../../../src/platform/https/index.ts'
import { openLogger } from '../../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import {
  cosign,
  type NoteVerifier,
  noteSigner,
  parseVerifier,
  verifyCosignature,
} from '../../../src/tlog/index.ts'
import { openWitness, serveWitness, type WitnessServer } from '../../../src/witness/index.ts'
import { type GrowingLog, growingLog } from '../../support/growing-log.ts'
import { type Answer, response, startWeb } from '../../support/https-server.ts'
import { ownLogOf, take, temporaryDirectory } from './support.ts'

const authority = await createAuthority({ commonName: 'Witness CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['witness.test'], days: 1 })
const log = openLogger({ level: 'error', destination: { write: () => true } })
const failed = (reason: string) => ({ name: 'AnchorError', reason })

function anchorAt(port: number, own: GrowingLog, verifier: NoteVerifier, more: Partial<FetcherOptions> = {}) {
  const fetcher = openFetcher({
    ca: authority.certificate,
    allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
    lookup: () => Promise.resolve(['127.0.0.1']),
    redirects: 0,
    ...more,
  })
  const url = new URL(`https://witness.test:${port}/`)
  return openWitnessAnchor({ url, verifier }, ownLogOf(own), fetcher)
}

describe('our client and our witness, over TLS:', () => {
  const log1 = growingLog()
  let directory: ReturnType<typeof temporaryDirectory>
  let server: WitnessServer
  let verifier: NoteVerifier
  beforeAll(async () => {
    directory = temporaryDirectory()
    const logs = [log1.signer.verifier]
    const state = directory.path
    const witness = await openWitness({ state, logs, defaultName: 'witness.test/w1', clock: systemClock })
    verifier = parseVerifier(witness.verifier)
    server = await serveWitness(witness, { host: '127.0.0.1', port: 0, ...identity, log })
  })
  afterAll(async () => {
    await server.close()
    directory[Symbol.dispose]()
  })
  const anchor = (own: GrowingLog = log1): Anchor => anchorAt(server.port, own, verifier)

  test('a log that grows gets its cosignature, also from a client that has forgotten everything', async () => {
    const one = anchor()
    expect(one.name).toBe('witness/witness.test/w1')
    for (const size of [3, 8, 8, 500]) {
      const line = await take(size === 8 ? anchor() : one, log1, size)
      expect(verifyCosignature(line ?? '', log1.checkpoint(size).note, verifier)).toBeGreaterThan(0)
    }
  })

  test('a log that was cut off is shown the larger tree that it signed', async () => {
    await take(anchor(), log1, 500)
    await expect(take(anchor(), log1, 499)).rejects.toMatchObject({ name: 'AnchorAheadError', size: 500 })
  })

  test('a log that was cut off and went on otherwise is shown the other tree that it signed', async () => {
    await take(anchor(), log1, 500)
    const fork = growingLog(log1.signer, { seed: 'other', same: 400 })
    for (const size of [500, 600])
      await expect(take(anchor(fork), fork, size)).rejects.toMatchObject({
        name: 'AnchorAheadError',
        size: 500,
      })
  })

  test('a log that the witness does not watch is told so', async () => {
    const stranger = growingLog(noteSigner('elsewhere.test/log', generateKeyPairSync('ed25519').privateKey))
    await expect(take(anchor(stranger), stranger, 5)).rejects.toMatchObject(failed('log_unknown'))
    const renewed = growingLog()
    await expect(take(anchor(renewed), renewed, 5)).rejects.toMatchObject(failed('log_unknown'))
  })

  test.each([
    ['another method', 'GET', '/add-checkpoint', '', 405],
    ['another path', 'POST', '/', 'old 0\n\n', 404],
    ['a body that is too long', 'POST', '/add-checkpoint', 'x'.repeat(65_537), 413],
    ['a body without a length that is too long', 'POST', '/add-checkpoint', undefined, 413],
    ['garbage', 'POST', '/add-checkpoint', 'x'.repeat(65_536), 400],
    ['a checkpoint that it never saw', 'GET', `/${'0'.repeat(64)}/checkpoint`, '', 404],
  ])('%s is refused', async (_what, method, path, body, status) => {
    expect(await ask(server.port, method, path, body)).toBe(status)
  })
})

/** @param body undefined: one without end */
function ask(
  port: number,
  method: string,
  path: string,
  body: string | undefined,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { ca: authority.certificate, servername: 'witness.test', host: '127.0.0.1' }
    let more: NodeJS.Timeout | undefined
    const sent = request({ ...options, port, method, path, agent: false }, answer => {
      clearInterval(more)
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject)
    if (body === undefined) more = setInterval(() => sent.write('x'.repeat(4096)), 1)
    else sent.end(body)
  })
}

describe('a witness that cheats, or is none, gives no receipt and stops nobody:', () => {
  const own = growingLog()
  const key = noteSigner('witness.test/w1', generateKeyPairSync('ed25519').privateKey, 'cosignature')
  const other = noteSigner('witness.test/w1', generateKeyPairSync('ed25519').privateKey, 'cosignature')
  const fork = growingLog(own.signer, { seed: 'other' })
  const size = 8
  const { note } = own.checkpoint(size)
  const good = cosign(note, 1_700_000_000, key)
  const conflict = (body: string, type = 'text/x.tlog.size') =>
    response('409 Conflict', body, `Content-Type: ${type}`)

  async function said(answer: Answer, more: Partial<FetcherOptions> = {}, as: Identity = identity) {
    const web = await startWeb(as, () => answer)
    try {
      return await take(anchorAt(web.port, own, key.verifier, more), own, size)
    } finally {
      await web.stop()
    }
  }

  test('the honest answer, among lines of others', async () => {
    const lines = `${cosign(note, 1, other)}garbage\n${good}`
    expect(await said(response('200 OK', lines))).toBe(good)
  })
  test.each([
    ['nothing', ''],
    ['garbage', 'thanks\n'],
    ['the signature of another key', cosign(note, 1, other)],
    ['a signature over another size', cosign(own.checkpoint(9).note, 1, key)],
    ['a signature over another tree', cosign(fork.checkpoint(size).note, 1, key)],
    ['a signature with another time', good.replace(/(— \S+ .{6}).{6}/, '$1AAAAAA')],
    ['a line without an end', good.slice(0, -1)],
    ['our own signature back', note.split('\n\n')[1] ?? ''],
  ])('200 with %s', async (_what, body) => {
    await expect(said(response('200 OK', body))).rejects.toMatchObject(failed('receipt_refused'))
  })
  test.each([
    ['nonsense', conflict('eight\n'), 'content_refused'],
    ['no newline', conflict('5'), 'content_refused'],
    ['a size that no number holds', conflict(`${'9'.repeat(30)}\n`), 'content_refused'],
    ['another type', conflict('5\n', 'text/plain'), 'content_refused'],
    ['a larger size, and nothing to show for it', conflict('9000\n'), 'conflict_unproved'],
    ['a smaller size, again and again', conflict('5\n'), 'conflict_unproved'],
  ])('409 with %s', async (_what, answer, reason) => {
    await expect(said(answer)).rejects.toMatchObject(failed(reason))
  })
  test('409 with a larger size, and a checkpoint that another key signed', async () => {
    const forged = growingLog(noteSigner(own.signer.verifier.name, generateKeyPairSync('ed25519').privateKey))
    const web = await startWeb(identity, ({ target }) =>
      target === '' ? conflict('9000\n') : response('200 OK', forged.checkpoint(9000).note),
    )
    try {
      const taken = take(anchorAt(web.port, own, key.verifier), own, size)
      await expect(taken).rejects.toMatchObject(failed('conflict_unproved'))
    } finally {
      await web.stop()
    }
  })
  test.each([
    ['422 without another tree to show', response('422 Unprocessable Entity'), 'conflict_unproved'],
    ['a redirect', response('307 Temporary Redirect', '', 'Location: /elsewhere'), 'redirect_refused'],
    ['500', response('500 Internal Server Error'), 'status_refused'],
    ['a compressed answer', response('200 OK', good, 'Content-Encoding: br'), 'encoding_refused'],
    ['a length that is too large', response('200 OK', 'x'.repeat(70_000)), 'too_large'],
    ['no HTTP', Buffer.from('SSH-2.0-OpenSSH\r\n\r\n'), 'connection_lost'],
  ])('%s', async (_what, answer, reason) => {
    await expect(said(answer)).rejects.toMatchObject(failed(reason))
  })
  test('an answer without end', async () => {
    const endless: Answer = socket => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      const drip = setInterval(() => socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`), 1)
      socket.on('close', () => clearInterval(drip))
    }
    await expect(said(endless)).rejects.toMatchObject(failed('too_large'))
  })
  test('silence', async () => {
    await expect(said(() => undefined, { deadline: 300 })).rejects.toMatchObject(failed('timeout'))
  })
  test('a server that does not prove its name', async () => {
    const wrong = await issueServerCertificate(authority, { dnsNames: ['other.test'], days: 1 })
    const taken = said(response('200 OK', good), {}, wrong)
    await expect(taken).rejects.toMatchObject(failed('not_authenticated'))
  })
  test('a private address that is not allowed', async () => {
    const taken = said(response('200 OK', good), { allowedNetworks: [] })
    await expect(taken).rejects.toMatchObject(failed('address_not_allowed'))
  })
})
