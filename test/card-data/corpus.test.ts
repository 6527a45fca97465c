import { describe, expect, test } from 'vitest'
import { brandOf } from '../../src/card-data/brands.ts'
import { scan } from '../../src/card-data/index.ts'
import { anyPan, negatives, panForms, randomFrom, sadForms } from '../support/card-corpus.ts'

const each = 12
const bytes = (content: string | Buffer): Buffer => Buffer.from(content as string)

describe('a card number is found', () => {
  test.each(Object.entries(panForms))('%s', (_form, make) => {
    const random = randomFrom(1)
    for (let i = 0; i < each; i++) {
      const content = bytes(make(anyPan(random), random))
      const found = scan(content)
      expect(found.pans.length, content.toString('latin1')).toBeGreaterThan(0)
      expect(found.sad).toEqual([])
    }
  })
})

describe('sensitive authentication data is found', () => {
  test.each(Object.entries(sadForms))('%s', (_form, make) => {
    const random = randomFrom(2)
    for (let i = 0; i < each; i++) {
      const content = bytes(make(anyPan(random), random))
      expect(scan(content).sad.length, content.toString('latin1')).toBeGreaterThan(0)
    }
  })
})

describe('what resembles it is left alone, unless range and check digit fit by chance', () => {
  /** A number in one piece that nothing but its meaning tells from a card number. */
  const fits = (text: string): boolean =>
    [...text.matchAll(/(?<!\d)\d{12,19}(?!\d)/g)].some(
      ([digits]) => brandOf(Uint8Array.from(digits, Number), 0, digits.length) !== undefined,
    )
  test.each(Object.entries(negatives))('%s', (_form, make) => {
    const random = randomFrom(3)
    let wrong = 0
    for (let i = 0; i < 100; i++) {
      const content = make(random)
      const found = scan(bytes(content))
      if (found.pans.length + found.sad.length > 0 && !fits(content)) wrong++
    }
    expect(wrong).toBeLessThanOrEqual(4)
  })
})
