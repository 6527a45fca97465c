import { expect, test } from 'vitest'
import { scan, scanInSteps } from '../../src/card-data/index.ts'
import { anyPan, randomFrom } from '../support/card-corpus.ts'

const pan = '4012888888881881'
const filling = 'abcd efgh,\n'
const text = (length: number) => filling.repeat(Math.ceil(length / filling.length)).slice(0, length)

const written: Record<string, string> = {
  plain: '4012 8888 8888 1881',
  'in JSON escapes': pan.replace(/./g, String.raw`\u003$&`),
  'in references': pan.replace(/./g, '&#x3$&;'),
  'in quoted-printable': pan.replace(/./g, '=3$&'),
}

// Longer texts are read in pieces of 16 KiB: at their ends, and across them, nothing is lost.
test.each(Object.entries(written))('a number across the end of a piece is found: %s', (_, number) => {
  for (const before of [0, 1, number.length >> 1, number.length - 1, number.length]) {
    const start = 80 * 16 * 1024 - before
    const document = Buffer.from(`${text(start - 1)} ${number} ${text(200_000)}`)
    expect(scan(document).pans).toHaveLength(1)
  }
})

test('in markup, a number across the end of a piece is found', () => {
  const number = '<b>4012</b><i>8888</i><b>8888</b><i>1881</i>'
  for (const before of [0, 20, number.length]) {
    const start = 1024 * 1024 - before
    const document = Buffer.from(`<html>${text(start - 6)}<p>${number}<p>${text(100_000)}`)
    expect(scan(document).pans).toHaveLength(1)
  }
})

test.each([0, 76])('in long base64, a number is found wherever it stands: lines of %d', width => {
  for (const at of [0, 48 * 1024 - 7, 48 * 1024, 1_000_000]) {
    const plain = `${text(at)} ${pan} ${text(300_000)}`
    const packed = Buffer.from(plain).toString('base64')
    const lines = width === 0 ? packed : packed.replace(/.{76}/g, '$&\r\n')
    expect(scan(Buffer.from(`{"file":"${lines}"}`)).pans).toHaveLength(1)
  }
})

test('a scan in steps finds the same, and stops often', () => {
  const document = Buffer.from(`${text(1_000_000)} ${pan} `)
  const steps = scanInSteps(document)
  let count = 0
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) count++
  expect(step.value).toEqual(scan(document))
  expect(count).toBeGreaterThan(14)
})

test('of very many numbers all are counted, and the first are listed', () => {
  const random = randomFrom(1)
  const numbers = new Set(Array.from({ length: 120_000 }, () => anyPan(random)))
  const { pans, count, brands } = scan(Buffer.from([...numbers].join(' x\n')))
  expect(count).toBe(numbers.size)
  expect(pans).toHaveLength(100_000)
  expect(brands).toContain('visa')
})
