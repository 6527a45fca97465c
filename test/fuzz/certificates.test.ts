import { expect, test, vi } from 'vitest'
import { fuzzCertificates } from './fuzz.ts'

vi.setConfig({ testTimeout: 120_000 })

// The long one, with a seed of its own: npm run fuzz:certificates
test('no mutated certificate crashes the inspector, or is accepted where it matters', async () => {
  const { cases, accepted, memory, findings } = await fuzzCertificates({ seed: 20261121, cases: 3000 })
  expect(findings).toEqual([])
  expect(cases).toBe(3000)
  // Some mutations do no harm, such as a doubled signature. If none were accepted, nothing was tested.
  expect(accepted).toBeGreaterThan(30)
  expect(memory).toBeLessThan(400)
})
