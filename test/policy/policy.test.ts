import { describe, expect, test } from 'vitest'
import { certificatePolicy, listPolicies, loadPolicy, parsePolicy } from '../../src/policy/index.ts'

describe('the shipped policy', () => {
  test('standard asks for RSA of 3072 to 8192 bits and no SHA-1', () => {
    const policy = certificatePolicy(loadPolicy('standard'))
    expect(policy).toMatchObject({ minRsaBits: 3072, maxRsaBits: 8192, formats: ['seipdv1', 'seipdv2'] })
    expect(policy.signatureHashes).not.toContain('sha1')
    expect(policy.encryptionAlgorithms).not.toContain('elgamal')
  })

  test.each(listPolicies())('%s has a day by which it is looked at again, in a year at most', name => {
    const { effectiveFrom, reviewBy } = loadPolicy(name)
    expect(Date.parse(reviewBy)).toBeGreaterThan(Date.parse(effectiveFrom))
    expect(Date.parse(reviewBy) - Date.parse(effectiveFrom)).toBeLessThanOrEqual(366 * 86_400_000)
  })

  test('standard lets keys that cannot do better be read for now, with a sunset', () => {
    expect(certificatePolicy(loadPolicy('standard')).sunsets.formats).toEqual({ seipdv1: '2031-01-01' })
  })

  test('strict asks for AEAD, and for no RSA at all: OpenPGP has it with PKCS#1 v1.5 only', () => {
    const policy = certificatePolicy(loadPolicy('strict'))
    expect(policy.formats).toEqual(['seipdv2'])
    expect([...policy.encryptionAlgorithms, ...policy.signatureAlgorithms]).not.toContain('rsa')
    expect(policy.encryptionDays).toBeLessThan(certificatePolicy(loadPolicy('standard')).encryptionDays)
  })

  test('strict wants an anchor before there is evidence; a file from before there were anchors wants none', () => {
    expect(loadPolicy('strict').evidence.anchors).toBe(1)
    const older = JSON.stringify({ ...loadPolicy('standard'), evidence: undefined })
    expect(parsePolicy(older, 'older').evidence).toEqual({ anchors: 0 })
  })

  test('no file of the directory is left out of the list', () => {
    expect(listPolicies()).toEqual(['standard', 'strict'])
  })
})

describe('a policy file that is not exactly right stops the start', () => {
  const standard = loadPolicy('standard')
  const withLifecycle = (change: object) => ({ ...standard, lifecycle: { ...standard.lifecycle, ...change } })
  test.each([
    ['an unknown field', { ...standard, minRsaBit: 1024 }],
    ['a missing field', { ...standard, formats: undefined }],
    ['a weak hash', { ...standard, signatureHashes: ['sha1', 'sha256'] }],
    ['an unknown algorithm', { ...standard, encryptionAlgorithms: ['rot13'] }],
    ['nothing allowed', { ...standard, encryptionAlgorithms: [] }],
    ['a repeated entry', { ...standard, formats: ['seipdv1', 'seipdv1'] }],
    ['RSA below 2048 bits', { ...standard, rsaBits: { min: 1024, max: 8192 } }],
    ['bounds crossed', { ...standard, rsaBits: { min: 4096, max: 3072 } }],
    ['a day that does not exist', { ...standard, reviewBy: '2027-02-30' }],
    ['no object', [standard]],
    ['a review before it begins', { ...standard, reviewBy: standard.effectiveFrom }],
    ['TLS 1.1', { ...standard, tls: { ...standard.tls, minVersion: 'TLSv1.1' } }],
    ['a quorum of less than nobody', { ...standard, evidence: { anchors: -1 } }],
    ['an opportunistic floor', { ...standard, tls: { ...standard.tls, floor: 'opportunistic' } }],
    ['no floor', { ...standard, tls: { ...standard.tls, floor: undefined } }],
    ['revocation that is not looked at', { ...standard, tls: { ...standard.tls, revocation: 'never' } }],
    ['deliveries that never end', withLifecycle({ giveUpHours: 10_000 })],
    [
      'a sunset of something unknown',
      { ...standard, legacy: { formats: { mdc: '2030-01-01' }, algorithms: {} } },
    ],
    ['a sunset that is no day', { ...standard, legacy: { formats: { seipdv1: 'soon' }, algorithms: {} } }],
    ['subkeys for ever', { ...standard, cryptoperiods: { encryptionDays: 100_000 } }],
    ['reminders out of order', withLifecycle({ remindDays: [7, 30] })],
    ['no reminder', withLifecycle({ remindDays: [] })],
    ['an approval without end', withLifecycle({ approvalDays: 10_000 })],
    ['half an hour', withLifecycle({ proofHours: 0.5 })],
  ])('%s', (_, content) => {
    expect(() => parsePolicy(JSON.stringify(content), 'test')).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  test('no JSON', () => {
    expect(() => parsePolicy('{', 'test')).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test.each(['../package', 'standard.json', '', 'none-such'])('the name %j', name => {
    expect(() => loadPolicy(name)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})
