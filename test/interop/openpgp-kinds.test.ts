import { describe, expect, test } from 'vitest'
import type { CertificateReason } from '../../src/sealer/host/index.ts'
import { inspect } from './certificates.ts'
import { GnuPg } from './gnupg.ts'
import { generateWithGosop } from './gosop.ts'
import { generateWithSequoia } from './sequoia.ts'

const mailbox = 'reader@bank.test'
type Reasons = readonly CertificateReason[]

/** Why each is refused, by the policy `standard` and by `strict`; what is accepted has no reason. */
const byGnuPg: readonly [primary: string, subkey: string, standard: Reasons, strict: Reasons][] = [
  ['ed25519', 'cv25519', [], ['format_not_allowed']],
  ['nistp256', 'nistp256', [], ['format_not_allowed']],
  ['nistp384', 'nistp384', [], ['format_not_allowed']],
  ['nistp521', 'nistp521', [], ['format_not_allowed']],
  ['ed25519', 'nistp384', [], ['format_not_allowed']],
  ['ed25519', 'rsa4096', [], ['algorithm_not_allowed']],
  ['rsa3072', 'cv25519', [], ['algorithm_not_allowed']],
  ['rsa3072', 'rsa3072', [], ['algorithm_not_allowed']],
  ['rsa4096', 'rsa4096', [], ['algorithm_not_allowed']],
  ['rsa1024', 'rsa4096', ['rsa_too_small'], ['algorithm_not_allowed']],
  ['rsa2048', 'rsa2048', ['rsa_too_small'], ['algorithm_not_allowed']],
  ['rsa4096', 'rsa2048', ['rsa_too_small'], ['algorithm_not_allowed']],
  ['ed25519', 'rsa1024', ['rsa_too_small'], ['algorithm_not_allowed']],
  ['ed25519', 'elg3072', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['dsa3072', 'elg3072', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['dsa2048', 'cv25519', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['brainpoolP256r1', 'brainpoolP256r1', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['brainpoolP384r1', 'brainpoolP384r1', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['brainpoolP512r1', 'brainpoolP512r1', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['secp256k1', 'secp256k1', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
  ['ed25519', 'secp256k1', ['algorithm_not_allowed'], ['algorithm_not_allowed']],
]

describe('every kind of key that gpg makes gets its verdict', () => {
  test.each(byGnuPg)('%s with %s', async (primary, subkey, standard, strict) => {
    await using gpg = await GnuPg.open()
    const certificate = await gpg.exported(await gpg.generate(mailbox, primary, subkey))
    await expectReasons(certificate, standard, strict)
  })

  test('one RSA key for everything, as of old', async () => {
    await using gpg = await GnuPg.open()
    await gpg.run(['--quick-generate-key', mailbox, 'rsa3072', 'cert,sign,encr', '1y'])
    const certificate = await gpg.exported(await gpg.fingerprint(mailbox))
    await expectReasons(
      certificate,
      ['no_encryption_subkey'],
      ['no_encryption_subkey', 'algorithm_not_allowed'],
    )
  })
})

describe('every kind of key that sq makes gets its verdict', () => {
  test.each<[string, Reasons, Reasons]>([
    ['cv25519', [], ['format_not_allowed']],
    ['rsa3k', [], ['algorithm_not_allowed']],
    ['rsa4k', [], ['algorithm_not_allowed']],
  ])('%s', async (suite, standard, strict) => {
    const { certificate } = await generateWithSequoia(mailbox, ['--cipher-suite', suite])
    await expectReasons(certificate, standard, strict)
  })
})

test('what gosop makes gets its verdict', async () => {
  const { certificate } = await generateWithGosop(mailbox)
  await expectReasons(certificate, ['rsa_too_small'], ['algorithm_not_allowed'])
})

async function expectReasons(certificate: Uint8Array, standard: Reasons, strict: Reasons): Promise<void> {
  const seen = await inspect(certificate, mailbox, 'standard')
  expect(seen).toMatchObject({ verdict: standard.length === 0 ? 'accept' : 'reject', reasons: standard })
  expect((await inspect(certificate, mailbox, 'strict')).reasons).toEqual(strict)
}
