import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Address, Clock, RecipientId } from '../../src/kernel/index.ts'
import { openRefresh, type Refresh, takeCopy } from '../../src/keys/index.ts'
import { openFetcher } from '../../src/platform/https/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type CertificatePolicy, type Inspector, openInspector } from '../../src/sealer/host/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Answer, notFound, ok, response, startWeb, type Web } from '../support/https-server.ts'
import { noticeSender } from '../support/notices.ts'
import { insertRecipient } from '../support/recipients.ts'
import {
  at,
  encryptionSubkey,
  identity,
  keyLives,
  onPrimary,
  primaryKey,
  standard,
} from './certificate/certificates.ts'
import {
  armored,
  curve25519Body,
  ed25519Signer,
  encode,
  fingerprintOf,
  forHash,
  made,
  type Part,
  type Signer,
  signature,
  subpacket,
  user,
  utf8,
} from './certificate/packets.ts'

const session = { applicationName: 'test', statementTimeout: 10_000, poolSize: 3 }
const clock: Clock = { now: () => at }
const authority = await createAuthority({ commonName: 'Web CA', days: 1 })
const names = ['openpgpkey.bank.test', 'bank.test', 'keys.test'] as const
const tlsIdentity = await issueServerCertificate(authority, { dnsNames: [...names], days: 1 })

let database: TestDatabase
let owner: Database
let gateway: Database
let inspector: Inspector
let web: Web
let refresh: Refresh
/** What the two servers answer with. */
let wkd: Answer
let vks: Answer
let policy: CertificatePolicy | undefined
const proposed: { recipient: RecipientId; bytes: Uint8Array }[] = []
const stopped: unknown[] = []

const dependencies = () => ({
  knex: gateway.knex,
  clock,
  inspector,
  stop: (_trx: unknown, _clock: unknown, which: unknown) => {
    stopped.push(which)
    return Promise.resolve(1)
  },
  sender: noticeSender,
  policy: () => Promise.resolve(policy),
})

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
  inspector = openInspector()
  web = await startWeb(tlsIdentity, ({ host }) => (host === 'keys.test' ? vks : wkd))
  refresh = openRefresh({
    ...dependencies(),
    policy: () => Promise.resolve(policy),
    fetcher: openFetcher({
      ca: authority.certificate,
      allowedNetworks: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
      lookup: () => Promise.resolve(['127.0.0.1']),
      port: web.port,
    }),
    keyserver: new URL('https://keys.test'),
    propose: (recipient, bytes) => {
      proposed.push({ recipient, bytes })
      return Promise.resolve()
    },
  })
})
beforeEach(() => {
  wkd = notFound
  vks = notFound
  policy = standard
  proposed.length = 0
  stopped.length = 0
  web.asked.length = 0
})
afterAll(async () => {
  await Promise.all([owner.close(), gateway.close(), inspector.close(), web.stop()])
  await database.drop()
})

const days = (count: number): Uint8Array => keyLives(count * 24 * 3600)
const dayAfter = (count: number): string => new Date(made.getTime() + count * 24 * 3_600_000).toISOString()
const flags = subpacket(27, Uint8Array.of(0x0c))
const later = new Date(made.getTime() + 1000)

/** A recipient's key pair, and the copies of its certificate that somebody could have. */
interface Owned {
  readonly by: Signer
  readonly recipient: RecipientId
  readonly address: string
  readonly fingerprint: string
  readonly subkey: Part
  /** A whole copy whose subkey lives for so many days. */
  copy(count: number, created?: Date): readonly Part[]
  revocation(type?: number): Part
}

async function enrolled(state: 'active' | 'retired' = 'active'): Promise<Owned> {
  const by = ed25519Signer()
  const { recipient, address } = await insertRecipient(owner.knex)
  const subkey: Part = { tag: 14, body: curve25519Body() }
  const copy: Owned['copy'] = (count, created = made) => [
    primaryKey(by),
    ...identity(address, {}, by),
    ...encryptionSubkey(subkey.body, { created, hashed: [flags, days(count)] }, by),
  ]
  await owner.knex('certificates').insert({
    fingerprint: by.fingerprint,
    recipient_id: recipient,
    bytes: encode(copy(200)),
    encryption_subkey: fingerprintOf(subkey.body),
    algorithm: 'ecdh-curve25519',
    format: 'seipdv1',
    state,
    accepted_at: made,
    expires_at: dayAfter(200),
    finish_until: state === 'retired' ? dayAfter(1000) : null,
    retired_at: state === 'retired' ? made : null,
  })
  const revocation: Owned['revocation'] = (type = 0x20) =>
    signature(by, by.body, type === 0x28 ? forHash(subkey.body) : new Uint8Array(), { type, created: later })
  return { by, recipient, address, fingerprint: by.fingerprint, subkey, copy, revocation }
}

const rowOf = ({ fingerprint }: Owned) =>
  owner.knex('certificates').where({ fingerprint }).first<{
    state: string
    bytes: Buffer
    expires_at: Date
    refreshed_at: Date | null
    revoked_for: string | null
  }>()
async function eventsOf({ fingerprint }: Owned): Promise<Record<string, unknown>[]> {
  const bodies = await owner.knex('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as Record<string, unknown>)
    .filter(({ certificate }) => certificate === fingerprint)
}
/** Nothing but the time of the look changed. */
async function unchanged(key: Owned): Promise<void> {
  expect(await rowOf(key)).toMatchObject({ state: 'active', bytes: encodeBuffer(key.copy(200)) })
  expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(200))
  expect(await eventsOf(key)).toEqual([])
  expect(stopped).toEqual([])
}
const encodeBuffer = (parts: readonly Part[]): Buffer => Buffer.from(encode(parts))

test('the directory is asked for the address, the keyserver for the fingerprint', async () => {
  const key = await enrolled()
  expect(await refresh.refresh(key.fingerprint)).toBe('not_found')
  expect(web.asked.map(({ host }) => host).toSorted()).toEqual(['keys.test', 'openpgpkey.bank.test'])
  expect(web.asked.map(({ target }) => target)).toContain(`/vks/v1/by-fingerprint/${key.fingerprint}`)
  expect((await rowOf(key)).refreshed_at).toEqual(at)
  await unchanged(key)
})

describe('a newer copy moves the end', () => {
  test.each(['wkd', 'vks'] as const)('from %s, later', async source => {
    const key = await enrolled()
    const copy = encode(key.copy(300, later))
    if (source === 'wkd') wkd = ok(copy)
    else vks = ok(armored(copy))
    expect(await refresh.refresh(key.fingerprint)).toBe('renewed')
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(300))
    expect(await eventsOf(key)).toMatchObject([
      { type: 'certificate.refreshed', source, expires: dayAfter(300), actor: { kind: 'gateway' } },
    ])
    // And once is enough.
    expect(await refresh.refresh(key.fingerprint)).toBe('unchanged')
    expect(await eventsOf(key)).toHaveLength(1)
  })

  test('of a stripped copy without user IDs, as keyservers give it', async () => {
    const key = await enrolled()
    vks = ok(armored(encode(key.copy(300, later).filter((_part, i) => i !== 1 && i !== 2))))
    expect(await refresh.refresh(key.fingerprint)).toBe('renewed')
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(300))
  })

  test('earlier, and the copy of before does not move it back', async () => {
    const key = await enrolled()
    wkd = ok(encode(key.copy(180, later)))
    expect(await refresh.refresh(key.fingerprint)).toBe('renewed')
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(180))
    wkd = ok(encode(key.copy(200)))
    expect(await refresh.refresh(key.fingerprint)).toBe('unchanged')
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(180))
  })
})

describe('a newer subkey of the owner', () => {
  const newSubkey = (key: Owned, body = curve25519Body(later)) => ({
    body,
    parts: encryptionSubkey(body, { created: later }, key.by),
  })

  test('is proposed, and the pinned one stays pinned', async () => {
    const key = await enrolled()
    const { body, parts } = newSubkey(key)
    wkd = ok(encode([...key.copy(200), ...parts]))
    expect(await refresh.refresh(key.fingerprint)).toBe('proposed')
    expect(proposed).toMatchObject([{ recipient: key.recipient }])
    const judged = await inspector.inspect(proposed[0]!.bytes, key.address as Address, at, standard)
    expect(judged).toMatchObject({ verdict: 'accept', encryptionSubkey: fingerprintOf(body) })
    expect(await rowOf(key)).toMatchObject({
      state: 'active',
      encryption_subkey: fingerprintOf(key.subkey.body),
    })
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(200))
    expect(stopped).toEqual([])
  })

  test('does not hold up what the copy says of the pinned one', async () => {
    const key = await enrolled()
    wkd = ok(encode([...key.copy(300, later), ...newSubkey(key).parts]))
    expect(await refresh.refresh(key.fingerprint)).toBe('renewed')
    expect((await rowOf(key)).expires_at.toISOString()).toBe(dayAfter(300))
    expect(proposed).toHaveLength(1)
  })

  test('is proposed with what we know, when a keyserver gives it without user IDs', async () => {
    const key = await enrolled()
    vks = ok(armored(encode([primaryKey(key.by), ...newSubkey(key).parts])))
    expect(await refresh.refresh(key.fingerprint)).toBe('proposed')
    const judged = await inspector.inspect(proposed[0]!.bytes, key.address as Address, at, standard)
    expect(judged).toMatchObject({ verdict: 'accept' })
  })

  test('is proposed when the pinned one has expired', async () => {
    const key = await enrolled()
    wkd = ok(encode([...key.copy(1, later), ...newSubkey(key).parts]))
    expect(await refresh.refresh(key.fingerprint)).toBe('proposed')
    expect(await rowOf(key)).toMatchObject({ encryption_subkey: fingerprintOf(key.subkey.body) })
  })

  test('of a key that was replaced by another key is left alone', async () => {
    const key = await enrolled('retired')
    wkd = ok(encode([...key.copy(300, later), ...newSubkey(key).parts]))
    expect(await refresh.refresh(key.fingerprint)).toBe('unchanged')
    expect(proposed).toEqual([])
  })

  /** The first subkey is replaced by a second one and may still finish. */
  async function rotated(): Promise<{ key: Owned; old: string; parts: readonly Part[] }> {
    const key = await enrolled()
    const { body, parts } = newSubkey(key)
    const old = fingerprintOf(key.subkey.body)
    await owner
      .knex('certificates')
      .where({ fingerprint: key.fingerprint })
      .update({ state: 'retired', retired_at: at, finish_until: dayAfter(1000) })
    await owner.knex('certificates').insert({
      fingerprint: key.fingerprint,
      recipient_id: key.recipient,
      bytes: encode([...key.copy(200), ...parts]),
      encryption_subkey: fingerprintOf(body),
      algorithm: 'ecdh-curve25519',
      format: 'seipdv1',
      state: 'active',
      accepted_at: at,
      expires_at: null,
    })
    return { key, old, parts }
  }
  const statesOf = async ({ fingerprint }: Owned) =>
    owner.knex('certificates').where({ fingerprint }).orderBy('accepted_at').pluck<string[]>('state')

  test('once in use stays in use when the one before it is revoked; what waits for that one stops', async () => {
    const { key, old, parts } = await rotated()
    vks = ok(encode([...key.copy(200), key.revocation(0x28), ...parts]))
    await refresh.refresh(key.fingerprint)
    expect(await statesOf(key)).toEqual(['retired', 'active'])
    expect(stopped).toEqual([{ certificate: key.fingerprint, encryptionSubkey: old }])
    const [before] = await owner
      .knex('certificates')
      .where({ encryption_subkey: old })
      .pluck<Date[]>('finish_until')
    expect(before).toEqual(at)
    expect(await eventsOf(key)).toContainEqual(
      expect.objectContaining({ type: 'certificate.retired', encryptionSubkey: old }),
    )
    // Once.
    await refresh.refresh(key.fingerprint)
    expect(stopped).toHaveLength(1)
  })

  test('falls with the primary key, and so does the one before it', async () => {
    const { key } = await rotated()
    vks = ok(encode([primaryKey(key.by), key.revocation()]))
    expect(await refresh.refresh(key.fingerprint)).toBe('revoked')
    expect(await statesOf(key)).toEqual(['revoked', 'revoked'])
    expect(stopped).toEqual([{ certificate: key.fingerprint }])
  })
})

describe('a revocation is taken:', () => {
  test.each<[string, (key: Owned) => readonly Part[], 'wkd' | 'vks']>([
    ['of the key, at the keyserver', key => [primaryKey(key.by), key.revocation()], 'vks'],
    ['of the key, in the directory', key => key.copy(300, later).toSpliced(1, 0, key.revocation()), 'wkd'],
    ['of the pinned subkey', key => [...key.copy(300, later), key.revocation(0x28)], 'vks'],
    [
      'of the pinned subkey behind a newer one',
      key => [
        ...key.copy(300, later),
        key.revocation(0x28),
        ...encryptionSubkey(curve25519Body(later), { created: later }, key.by),
      ],
      'wkd',
    ],
    [
      'with a critical notation that nobody knows',
      key => [
        primaryKey(key.by),
        signature(key.by, key.by.body, new Uint8Array(), {
          type: 0x20,
          hashed: [subpacket(0x80 | 20, new Uint8Array([0, 0, 0, 0, 0, 3, 0, 1, 0x61, 0x40, 0x62, 0x63]))],
        }),
      ],
      'vks',
    ],
    [
      'of the user ID, in the directory',
      key => [
        ...key.copy(300, later).slice(0, 3),
        signature(key.by, key.by.body, user(utf8(key.address)), { type: 0x30, created: later }),
        ...key.copy(300, later).slice(3),
      ],
      'wkd',
    ],
  ])('%s', async (_name, copy, source) => {
    const key = await enrolled()
    if (source === 'wkd') wkd = ok(encode(copy(key)))
    else vks = ok(encode(copy(key)))
    expect(await refresh.refresh(key.fingerprint)).toBe('revoked')
    expect(await rowOf(key)).toMatchObject({ state: 'revoked', revoked_for: 'unknown' })
    expect(await eventsOf(key)).toMatchObject([{ type: 'certificate.revoked', means: 'refresh', stopped: 1 }])
    expect(stopped).toEqual([{ certificate: key.fingerprint }])
    // An older copy without it, found later, does not bring the key back; nobody is even asked.
    ;[wkd, vks] = [ok(encode(key.copy(300, later))), notFound]
    expect(await refresh.refresh(key.fingerprint)).toBe('unchanged')
    expect(await rowOf(key)).toMatchObject({ state: 'revoked' })
  })

  test('also of a retired key that may still finish', async () => {
    const key = await enrolled('retired')
    vks = ok(encode([primaryKey(key.by), key.revocation()]))
    expect(await refresh.refresh(key.fingerprint)).toBe('revoked')
    expect(await rowOf(key)).toMatchObject({ state: 'revoked' })
  })

  test('also while no policy is in force, when nothing else is', async () => {
    const key = await enrolled()
    policy = undefined
    wkd = ok(encode(key.copy(300, later)))
    expect(await refresh.refresh(key.fingerprint)).toBe('unchanged')
    await unchanged(key)
    vks = ok(encode([primaryKey(key.by), key.revocation()]))
    expect(await refresh.refresh(key.fingerprint)).toBe('revoked')
  })
})

describe('a hostile server gains nothing with', () => {
  const stranger = ed25519Signer()
  const forged = (key: Owned, type = 0x20): Part =>
    signature(stranger, key.by.body, new Uint8Array(), { type, created: later, issuer: key.by.keyId })
  test.each<[string, (key: Owned) => readonly Part[] | Answer]>([
    [
      'an extension that the owner did not sign',
      key => [
        primaryKey(key.by),
        ...identity(key.address, {}, key.by),
        ...encryptionSubkey(
          key.subkey.body,
          { created: later, hashed: [flags, days(900)] },
          key.by,
          stranger,
        ),
      ],
    ],
    [
      'another subkey of its own making',
      key => [
        ...key.copy(300, later),
        ...encryptionSubkey(curve25519Body(later), { created: later }, key.by, stranger),
      ],
    ],
    ['a forged revocation at the keyserver', key => [primaryKey(key.by), forged(key)]],
    ['the revocation of somebody else', key => [primaryKey(key.by), onPrimary({ type: 0x20 })]],
    ['noise', () => ok(Buffer.alloc(1000, 0xc6))],
    ['too much', () => ok(Buffer.alloc(65_537, 0xc6))],
    ['compression', () => ok('x', 'Content-Encoding: gzip')],
    ['a redirect', () => response('302 Found', '', 'Location: https://evil.test/')],
    [
      'another certificate, at the keyserver',
      key => [
        primaryKey(stranger),
        ...identity(key.address, {}, stranger),
        ...encryptionSubkey(curve25519Body(), {}, stranger),
      ],
    ],
  ])('%s', async (_name, answer) => {
    const key = await enrolled()
    const given = answer(key)
    vks = Array.isArray(given) ? ok(encode(given as readonly Part[])) : (given as Answer)
    expect(['refused', 'not_found', 'unchanged']).toContain(await refresh.refresh(key.fingerprint))
    await unchanged(key)
    expect(proposed).toEqual([])
  })
})

test('another certificate in the directory is proposed, and nothing more', async () => {
  const key = await enrolled()
  const other = ed25519Signer()
  const copy = encode([
    primaryKey(other),
    ...identity(key.address, {}, other),
    ...encryptionSubkey(curve25519Body(), {}, other),
  ])
  wkd = ok(copy)
  expect(await refresh.refresh(key.fingerprint)).toBe('proposed')
  expect(proposed).toEqual([{ recipient: key.recipient, bytes: copy }])
  await unchanged(key)
})

test('an uploaded copy can renew, too, and is told apart from another key', async () => {
  const key = await enrolled()
  const take = (parts: readonly Part[]) =>
    takeCopy(dependencies(), {
      actor: { kind: 'recipient', id: key.recipient },
      fingerprint: key.fingerprint,
      bytes: encode(parts),
      source: 'upload',
    })
  const other = ed25519Signer()
  expect(await take([primaryKey(other), ...identity(key.address, {}, other)])).toEqual({ outcome: 'another' })
  expect(await take(key.copy(300, later))).toEqual({ outcome: 'renewed', expiresAt: new Date(dayAfter(300)) })
  expect(await take(key.copy(300, later).toSpliced(1, 0, key.revocation()))).toEqual({ outcome: 'revoked' })
  expect((await eventsOf(key)).map(({ type, means, source }) => [type, means ?? source])).toEqual([
    ['certificate.refreshed', 'upload'],
    ['certificate.revoked', 'upload'],
  ])
})

test('a copy that comes while the key is revoked does not bring it back', async () => {
  const key = await enrolled()
  const merge: Inspector['merge'] = async (known, copy) => {
    const merged = await inspector.merge(known, copy)
    await owner
      .knex('certificates')
      .where({ fingerprint: key.fingerprint })
      .update({ state: 'revoked', revoked_at: at })
    return merged
  }
  const deps = dependencies()
  const slow = { ...inspector, merge }
  const offered = { fingerprint: key.fingerprint, bytes: encode(key.copy(300, later)) } as const
  const outcome = await takeCopy(
    { ...deps, inspector: slow },
    { ...offered, actor: { kind: 'gateway' }, source: 'wkd' },
  )
  expect(outcome).toEqual({ outcome: 'unchanged' })
  expect(await rowOf(key)).toMatchObject({ state: 'revoked' })
  expect(await eventsOf(key)).toEqual([])
})

test('a key that nobody has is not found', async () => {
  await expect(refresh.refresh('F'.repeat(40))).rejects.toMatchObject({ code: 'not_found' })
})
