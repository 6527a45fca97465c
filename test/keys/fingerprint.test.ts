import { expect, test } from 'vitest'
import { evenWords, oddWords } from '../../src/keys/fingerprint/words.ts'
import { fingerprintWords, grouped } from '../../src/keys/index.ts'

test.each([
  [
    'E58294F2E9A227486E8B061B31CC528FD7FA3F19',
    'topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless',
  ],
  [
    'D1D464C004F00FB5C9A4C8D8E433E7FB7FF56256',
    'stairway souvenir flytrap recipe adrift upcoming artist positive spearhead Pandora spaniel stupendous tonic concurrent transit Wichita lockup visitor flagpole escapade',
  ],
])('the published example %s has its words', (fingerprint, words) => {
  expect(fingerprintWords(fingerprint).join(' ')).toBe(words)
})

test('each list has 256 words in their order, and no word stands for two octets', () => {
  const folded = [evenWords, oddWords].map(list => list.map(word => word.toLowerCase()))
  for (const list of folded) expect(list).toHaveLength(256)
  expect(new Set(folded.flat()).size).toBe(512)
  // The one pair that its authors left out of the alphabet's order; any other is a slip of ours.
  const turned = folded.flatMap(list => list.filter((word, i) => i > 0 && word < (list[i - 1] ?? '')))
  expect(turned).toEqual(['apollo'])
})

test('a word left out, doubled or swapped with its neighbour is no reading of any fingerprint', () => {
  const words = fingerprintWords('E58294F2E9A227486E8B061B31CC528FD7FA3F19')
  const alternates = (some: readonly string[]): boolean =>
    some.every((word, i) => (i % 2 === 0 ? evenWords : oddWords).includes(word))
  expect(alternates(words)).toBe(true)
  for (let i = 0; i < words.length - 1; i++) {
    expect(alternates(words.toSpliced(i, 1))).toBe(false)
    expect(alternates(words.toSpliced(i, 0, words[i]!))).toBe(false)
    expect(alternates(words.toSpliced(i, 2, words[i + 1]!, words[i]!))).toBe(false)
  }
})

test('hex stands in groups of four', () => {
  expect(grouped('0123456789ABCDEF')).toBe('0123 4567 89AB CDEF')
})
