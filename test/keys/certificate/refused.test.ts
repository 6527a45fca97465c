import { describe, expect, test } from 'vitest'
import { explainReason } from '../../../src/keys/index.ts'
import type { CertificateReason } from '../../../src/sealer/host/index.ts'
import { type Case, subkeyRevocation } from './attack.ts'
import { attacksOnFile } from './attacks-on-file.ts'
import { attacksOnOwner } from './attacks-on-owner.ts'
import { attacksOnSubkey } from './attacks-on-subkey.ts'
import {
  at,
  encryptionSubkey,
  good,
  identity,
  inspect,
  onPrimary,
  primaryKey,
  standard,
} from './certificates.ts'
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

describe('what the policy allows for now is refused from the day of its sunset on', () => {
  test.each([
    ['format_legacy_over', { formats: { seipdv1: '2026-06-01' }, algorithms: {} }],
    ['algorithm_legacy_over', { formats: {}, algorithms: { 'ecdh-curve25519': '2026-06-01' } }],
    ['algorithm_legacy_over', { formats: {}, algorithms: { 'eddsa-ed25519': '2026-06-01' } }],
  ])('%s', async (reason, sunsets) => {
    const file = encode(good())
    const before = new Date(at.getTime() - 1000)
    expect(await inspect(file, { ...standard, sunsets }, before)).toMatchObject({
      verdict: 'accept',
      expires: at.toISOString(),
      expiresFor: reason,
      legacy: true,
    })
    expect(await inspect(file, { ...standard, sunsets }, at)).toMatchObject({
      verdict: 'reject',
      reasons: [reason],
    })
  })
})

test('every reason has a certificate that yields it, and words for its owner', () => {
  const elsewhere = {
    format_not_allowed: [],
    format_legacy_over: [],
    algorithm_legacy_over: [],
    rsa_shared_factor: [], // keys
  }
  const all = { ...attacks, ...elsewhere } satisfies Record<CertificateReason, unknown>
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
