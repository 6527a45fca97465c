import { describe, expect, test } from 'vitest'
import { explainReason } from '../../../src/keys/index.ts'
import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import { type Case, subkeyRevocation } from './attack.ts'
import { attacksOnFile } from './attacks-on-file.ts'
import { attacksOnOwner } from './attacks-on-owner.ts'
import { attacksOnSubkey } from './attacks-on-subkey.ts'
import { encryptionSubkey, good, identity, inspect, onPrimary, primaryKey, standard } from './certificates.ts'
import { encode, type Part, rsaBody } from './packets.ts'
import { honestModulus } from './weak-rsa.ts'

const attacks = { ...attacksOnFile, ...attacksOnOwner, ...attacksOnSubkey }

describe.each(Object.entries<readonly Case[]>(attacks))('%s', (reason, cases) => {
  test.each(cases.map(([name, make, also]) => ({ name, make, also })))('$name', async ({ make, also }) => {
    const file = make()
    const reasons = also === undefined ? [reason] : [reason, also]
    const verdict = await inspect(
      Array.isArray(file) ? encode(file as readonly Part[]) : (file as Uint8Array | string),
    )
    expect(verdict).toMatchObject({ verdict: 'reject', reasons })
  })
})

test('format_not_allowed: a certificate without SEIPDv2 under a policy that asks for it', async () => {
  const verdict = await inspect(encode(good()), { ...standard, formats: ['seipdv2'] })
  expect(verdict).toMatchObject({ verdict: 'reject', reasons: ['format_not_allowed'] })
})

test('every reason has a certificate that yields it, and words for its owner', () => {
  const all = { ...attacks, format_not_allowed: [] } satisfies Record<CertificateReason, unknown>
  for (const reason of Object.keys(all) as CertificateReason[]) {
    const { sentence, remedy } = explainReason(reason)
    expect(sentence).toMatch(/^[A-Z].*\.$/)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  }
})

test('all that is wrong is listed at once, in a stable order', async () => {
  const body = rsaBody(honestModulus(2048))
  const parts = [
    primaryKey(),
    onPrimary({ type: 0x20 }),
    ...identity('bob@bank.test'),
    ...encryptionSubkey(body),
    subkeyRevocation(body),
  ]
  expect((await inspect(encode(parts))).reasons).toEqual([
    'primary_revoked',
    'user_id_mismatch',
    'subkey_revoked',
    'rsa_too_small',
  ])
})
