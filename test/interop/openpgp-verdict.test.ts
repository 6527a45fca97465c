import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CertificateReason } from '../../src/sealer/host/index.ts'
import { inspect } from './certificates.ts'
import { GnuPg } from './gnupg.ts'
import { generateWithGosop } from './gosop.ts'
import type { PeerKey } from './peer.ts'
import { generateWithSequoia, inspectWithSequoia, mergeWithSequoia, revokeWithSequoia } from './sequoia.ts'

const mailbox = 'reader@bank.test'

async function reasonsFor(certificate: Uint8Array, address = mailbox): Promise<readonly CertificateReason[]> {
  const { verdict, reasons } = await inspect(certificate, address)
  expect(verdict).toBe('reject')
  return reasons
}

describe('what gpg makes of a key that must not be used is rejected by its name', () => {
  let gpg: GnuPg
  let fingerprint: string
  let sound: Buffer

  beforeAll(async () => {
    gpg = await GnuPg.open()
    fingerprint = await gpg.generate(mailbox, 'ed25519', 'cv25519')
    sound = await gpg.exported(fingerprint)
  })

  afterAll(() => gpg[Symbol.asyncDispose]())

  async function madeAs(kind: [primary: string, subkey: string], ...options: string[]): Promise<Buffer> {
    await using other = await GnuPg.open()
    return await other.exported(await other.generate(mailbox, ...kind, options))
  }

  test('while the sound one is accepted, binary and armoured', async () => {
    const { output: armoured } = await gpg.run(['--armor', '--export', fingerprint])
    const verdict = await inspect(sound, mailbox)
    expect(verdict).toMatchObject({ verdict: 'accept', fingerprint })
    expect(await inspect(armoured, mailbox)).toEqual(verdict)
  })

  test('the private key itself, binary and armoured', async () => {
    expect(await reasonsFor(await gpg.exportedSecret(fingerprint))).toEqual(['private_key'])
    const { output: armoured } = await gpg.run(['--armor', '--export-secret-keys', fingerprint])
    expect(await reasonsFor(armoured)).toEqual(['private_key'])
  })

  test('for another address', async () => {
    expect(await reasonsFor(sound, 'reader2@bank.test')).toEqual(['user_id_mismatch'])
  })

  test('revoked, with the certificate that gpg had prepared', async () => {
    await using other = await GnuPg.open()
    await other.run(['--import'], sound)
    await other.run(['--import'], await gpg.preparedRevocation(fingerprint))
    expect(await reasonsFor(await other.exported(fingerprint))).toEqual(['primary_revoked'])
  })

  test('its encryption subkey revoked', async () => {
    await using other = await GnuPg.open()
    const its = await other.generate(mailbox, 'ed25519', 'cv25519')
    await other.edit(its, ['key 1', 'revkey', 'y', '1', 'lost', '', 'y', 'save'])
    expect(await reasonsFor(await other.exported(its))).toEqual(['subkey_revoked'])
  })

  test('the user ID revoked', async () => {
    await using other = await GnuPg.open()
    const its = await other.generate('other@bank.test', 'ed25519', 'cv25519')
    await other.run(['--quick-add-uid', its, mailbox])
    await other.run(['--quick-revoke-uid', its, mailbox])
    expect(await reasonsFor(await other.exported(its))).toEqual(['user_id_revoked'])
  })

  test('expired', async () => {
    const file = await madeAs(['ed25519', 'cv25519'], '--faked-system-time', '20240101T000000!')
    expect(await reasonsFor(file)).toEqual(['primary_expired', 'subkey_expired'])
  })

  test('only its encryption subkey expired', async () => {
    await using other = await GnuPg.open()
    const its = await other.generate(mailbox, 'ed25519', 'cv25519', [
      '--faked-system-time',
      '20240101T000000!',
    ])
    await other.run(['--quick-set-expire', its, '5y'])
    expect(await reasonsFor(await other.exported(its))).toEqual(['subkey_expired'])
  })

  test('sign-only', async () => {
    await using other = await GnuPg.open()
    await other.run(['--quick-generate-key', mailbox, 'ed25519', 'sign,cert', '1y'])
    expect(await reasonsFor(await other.exported(await other.fingerprint(mailbox)))).toEqual([
      'no_encryption_subkey',
    ])
  })

  test('RSA of 2048 bits', async () => {
    expect(await reasonsFor(await madeAs(['rsa2048', 'rsa2048']))).toEqual(['rsa_too_small'])
  })

  test('a curve beyond the policy', async () => {
    expect(await reasonsFor(await madeAs(['ed25519', 'brainpoolP256r1']))).toEqual(['algorithm_not_allowed'])
  })

  test('signed with SHA-1', async () => {
    const file = await madeAs(['ed25519', 'cv25519'], '--cert-digest-algo', 'SHA1')
    expect(await reasonsFor(file)).toEqual(['hash_too_weak'])
  })

  test('a keyring of two', async () => {
    const both = Buffer.concat([sound, await madeAs(['ed25519', 'cv25519'])])
    expect(await reasonsFor(both)).toEqual(['several_certificates'])
  })
})

describe('what sq makes of a key that must not be used is rejected by its name', () => {
  let key: PeerKey

  beforeAll(async () => {
    key = await generateWithSequoia(mailbox, [])
  })

  test('while the sound one is accepted', async () => {
    const { fingerprint } = key
    expect(await inspect(key.certificate, mailbox)).toMatchObject({ verdict: 'accept', fingerprint })
  })

  test('the private key itself', async () => {
    expect(await reasonsFor(key.secretKey)).toEqual(['private_key'])
  })

  test('revoked', async () => {
    const revocation = await revokeWithSequoia(key, ['certificate'])
    // sq leaves it to others to put the signature where it belongs: right behind the primary key packet.
    const cut = 2 + (key.certificate[1] ?? 0)
    const revoked = Buffer.concat([
      key.certificate.subarray(0, cut),
      revocation,
      key.certificate.subarray(cut),
    ])
    expect(await inspectWithSequoia(revoked)).toContain('Revoked:')
    expect(await reasonsFor(revoked)).toEqual(['primary_revoked'])
  })

  test('its encryption subkey revoked', async () => {
    const revocation = await revokeWithSequoia(key, ['subkey', key.encryptionSubkey])
    expect(await reasonsFor(await mergeWithSequoia(key.certificate, revocation))).toEqual(['subkey_revoked'])
  })

  test('expired', async () => {
    const old = await generateWithSequoia(mailbox, ['--creation-time', '20240101', '--expires-in', '1y'])
    expect(await reasonsFor(old.certificate)).toEqual(['primary_expired', 'subkey_expired'])
  })

  test('sign-only', async () => {
    const signer = await generateWithSequoia(mailbox, ['--cannot-encrypt'])
    expect(await reasonsFor(signer.certificate)).toEqual(['no_encryption_subkey'])
  })
})

describe('what gosop makes', () => {
  test('is RSA of 2048 bits, and rejected by that name', async () => {
    const { certificate, secretKey } = await generateWithGosop(mailbox)
    expect(await reasonsFor(certificate)).toEqual(['rsa_too_small'])
    expect(await reasonsFor(secretKey)).toEqual(['private_key'])
  })
})
