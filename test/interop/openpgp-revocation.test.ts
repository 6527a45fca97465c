import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/index.ts'
import { certificatePolicy, loadPolicy } from '../../src/policy/index.ts'
import { openInspector } from '../../src/sealer/host/index.ts'
import { address } from '../sealer/support.ts'
import { GnuPg } from './gnupg.ts'
import { generateWithSequoia, revokeWithSequoia } from './sequoia.ts'

const mailbox = 'reader@bank.test'
const policy = certificatePolicy(loadPolicy('standard'))
const inspector = openInspector()
afterAll(() => inspector.close())

describe.each(['ed25519', 'nistp256', 'nistp521', 'rsa3072'])('a key of gpg, %s', primary => {
  let gpg: GnuPg
  let other: GnuPg
  let fingerprint: string
  let certificate: Buffer
  beforeAll(async () => {
    gpg = await GnuPg.open()
    other = await GnuPg.open()
    fingerprint = await gpg.generate(mailbox, primary, 'cv25519')
    certificate = await gpg.exported(fingerprint)
  })
  afterAll(async () => {
    await gpg[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
  })

  test('is revoked by the file that gpg prepared, as it lies there and without its colon', async () => {
    const prepared = await gpg.preparedRevocation(fingerprint)
    expect(await inspector.revokes(prepared, certificate)).toBe(true)
    const asItLies = Buffer.from(prepared.toString().replace('-----BEGIN', ':-----BEGIN'))
    expect(await inspector.revokes(asItLies, certificate)).toBe(true)
  })

  test('is revoked by a revoked copy of it, and by nothing else of it', async () => {
    await other.run(['--import'], certificate)
    expect(await inspector.revokes(await other.exported(fingerprint), certificate)).toBe(false)
    await other.run(['--import'], await gpg.preparedRevocation(fingerprint))
    expect(await inspector.revokes(await other.exported(fingerprint), certificate)).toBe(true)
    const { output: armoured } = await other.run(['--armor', '--export', fingerprint])
    expect(await inspector.revokes(armoured, certificate)).toBe(true)
  })

  test("is not revoked by another key's revocation, nor by its own with a bit flipped", async () => {
    const theirs = await other.generate('stranger@bank.test', primary, 'cv25519')
    expect(await inspector.revokes(await other.preparedRevocation(theirs), certificate)).toBe(false)
    await using binary = await GnuPg.open()
    await binary.run(['--import'], certificate)
    await binary.run(['--import'], await gpg.preparedRevocation(fingerprint))
    const copy = await binary.exported(fingerprint)
    // The revocation stands right behind the primary key; its last octet is of the signature.
    const end = 2 + (copy[1] ?? 0) // one-octet lengths: Curve25519 only
    if (primary !== 'ed25519') return
    const revocation = copy.subarray(end, end + 2 + (copy[end + 1] ?? 0))
    expect(await inspector.revokes(revocation, certificate)).toBe(true)
    const spoiled = Buffer.from(revocation)
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1
    expect(await inspector.revokes(spoiled, certificate)).toBe(false)
  })

  test('certifies its successor when gpg signs it, not when the signature is local', async () => {
    await using keys = await GnuPg.open()
    const old = await keys.generate(mailbox, primary, 'cv25519')
    await using signed = await GnuPg.open()
    await using local = await GnuPg.open()
    const certifier = await keys.exported(old)
    for (const [ring, command] of [
      [signed, '--quick-sign-key'],
      [local, '--quick-lsign-key'],
    ] as const) {
      await ring.run(['--import'], await keys.exportedSecret(old))
      const fresh = await ring.generate(`New <${mailbox}>`, 'ed25519', 'cv25519')
      await ring.run(['--default-key', old, command, fresh])
      const { output } = await ring.run(['--export-options', 'export-local-sigs', '--export', fresh])
      const verdict = await inspector.inspect(output, address(mailbox), systemClock.now(), policy, {
        certifier,
      })
      expect(verdict).toMatchObject({ verdict: 'accept', certifiedByGiven: ring === signed })
    }
  })
})

test('a key of sq is revoked by what sq writes, and its subkey alone by the revocation of it', async () => {
  const key = await generateWithSequoia(mailbox, [])
  const whole = await revokeWithSequoia(key, ['certificate'])
  expect(await inspector.revokes(whole, key.certificate)).toBe(true)
  const subkey = await revokeWithSequoia(key, ['subkey', key.encryptionSubkey])
  expect(await inspector.revokes(subkey, key.certificate)).toBe(false)
  expect(await inspector.revokes(subkey, key.certificate, key.encryptionSubkey)).toBe(true)
  expect(await inspector.revokes(subkey, key.certificate, key.fingerprint)).toBe(false)
})
