import { describe, expect, test } from 'vitest'
import { certificatePolicy, loadPolicy, parsePolicy } from '../../src/policy/index.ts'

describe('the shipped policy', () => {
  test('standard asks for RSA of 3072 to 8192 bits and no SHA-1', () => {
    const policy = certificatePolicy(loadPolicy('standard'))
    expect(policy).toMatchObject({ minRsaBits: 3072, maxRsaBits: 8192, formats: ['seipdv1', 'seipdv2'] })
    expect(policy.signatureHashes).not.toContain('sha1')
    expect(policy.encryptionAlgorithms).not.toContain('elgamal')
  })

  test('has a day by which it is looked at again', () => {
    expect(Date.parse(loadPolicy('standard').reviewBy)).toBeGreaterThan(Date.parse('2026-11-20'))
  })
})

describe('a policy file that is not exactly right stops the start', () => {
  const standard = loadPolicy('standard')
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
