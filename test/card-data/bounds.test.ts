import { randomBytes } from 'node:crypto'
import { deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newGroups, readGroups } from '../../src/card-data/groups.ts'
import { mask, scan } from '../../src/card-data/index.ts'
import { findPans } from '../../src/card-data/pans.ts'

const pan = '4111111111111111'

test('a number is masked to its first six and last four digits, however it was written', () => {
  for (const written of [pan, '4111 1111 1111 1111', '٤١١١١١١١١١١١١١١١', `0000${pan}`]) {
    const bytes = Buffer.from(`card ${written} ok`)
    const groups = newGroups(bytes.length)
    readGroups(bytes, 0, bytes.length, groups)
    const [found] = findPans(bytes, groups)
    expect(found && mask(bytes, found)).toBe('411111******1111')
  }
  const amex = Buffer.from('378282246310005')
  expect(mask(amex, { brand: '', offset: 0, end: 15, key: 0 })).toBe('37828******0005')
})

test('what is found holds no digit of a card number', () => {
  const found = JSON.stringify(scan(Buffer.from(`${pan} and 5555 5555 5555 4444, CVV 123`)))
  expect(found).not.toMatch(/4111|5555|123(?!\d)/)
})

test('the same number counts once, however often and in whatever reading', () => {
  const text = `${pan} 4111 1111 1111 1111 ${Buffer.from(`again ${pan}`).toString('base64')}`
  expect(scan(Buffer.from(text)).pans).toHaveLength(1)
})

test('a number across the edge of two stretches is found once, at its place', () => {
  for (const at of [65_530, 65_536, 65_520, 65_536 + 504, 65_536 + 256, 131_070]) {
    const text = `${'x '.repeat(at / 2)}${pan}${' y'.repeat(600)}`
    expect(scan(Buffer.from(text)).pans).toEqual([{ brand: 'visa', offset: at, end: at + 16, view: '' }])
  }
})

test('a label and a number that stand in a picture or an archive by chance are none; in writing of any encoding they are', () => {
  const code = Buffer.from('cvv\u00e9: 123 ', 'latin1')
  const found = (before: Buffer, after: Buffer) => scan(Buffer.concat([before, code, after])).sad.length > 0
  const chances = Array.from({ length: 1000 }, () => found(randomBytes(100), randomBytes(100)))
  // Two in a hundred, where four in five were.
  expect(chances.filter(Boolean).length).toBeLessThan(80)
  const latin1 = Buffer.from('Für die Prüfung: ä ö ü ß, längere Wörter für Ähnliches. '.repeat(3), 'latin1')
  const cyrillic = Buffer.from('Код проверки подлинности карты. '.repeat(3))
  for (const writing of [latin1, cyrillic, Buffer.alloc(0)]) expect(found(writing, writing)).toBe(true)
  // As between the fields of messages of terminals.
  const framed = Buffer.from('\u0002F1\u001cФ2\u001cF3\u001c'.repeat(9))
  expect(scan(Buffer.concat([framed, Buffer.from('cvv: 123\u0003'), framed])).sad).toHaveLength(1)
  // Beside a card number, in whatever.
  const unwritten = Buffer.from('\u0001\u00ff'.repeat(50), 'latin1')
  expect(found(unwritten, unwritten)).toBe(false)
  expect(found(Buffer.concat([unwritten, Buffer.from(` ${pan} `), unwritten]), unwritten)).toBe(true)
})

describe('what cannot be looked into is said, never passed over', () => {
  const zip = (
    patch: (entry: Buffer, local: Buffer) => void,
    content = deflateRawSync(Buffer.from(pan)),
  ): Buffer => {
    const local = Buffer.alloc(31, 0)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(1, 26)
    local[30] = 0x61
    const entry = Buffer.alloc(47, 0)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(8, 10)
    entry.writeUInt32LE(content.length, 20)
    entry.writeUInt16LE(1, 28)
    entry[46] = 0x61
    patch(entry, local)
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x06054b50, 0)
    end.writeUInt16LE(1, 10)
    end.writeUInt32LE(local.length + content.length, 16)
    return Buffer.concat([local, content, entry, end])
  }
  test.each<[string, Buffer, number]>([
    ['a sound archive', zip(() => undefined), 0],
    ['an encrypted member', zip(entry => entry.writeUInt16LE(1, 8)), 1],
    ['another method of packing', zip(entry => entry.writeUInt16LE(12, 10)), 1],
    ['a member that points outside', zip(entry => entry.writeUInt32LE(0xfffffff0, 42)), 1],
    ['a member longer than the archive', zip(entry => entry.writeUInt32LE(0xffffff, 20)), 1],
    ['rubbish instead of packed bytes', zip(() => undefined, Buffer.alloc(40, 0xff)), 1],
    ['no directory', zip(() => undefined).subarray(0, 60), 1],
    ['a truncated gzip', gzipSync(pan).subarray(0, 20), 1],
    ['an encrypted PDF', Buffer.from('%PDF-1.7\ntrailer << /Encrypt 5 0 R >>\n'), 1],
    [
      'a PDF with an unknown filter',
      Buffer.from('%PDF-1.7\n1 0 obj << /Filter /JBIG2Decode >>\nstream\nxx\nendstream'),
      1,
    ],
  ])('%s', (_name, content, unread) => {
    expect(scan(content).unread).toBe(unread)
  })

  test('a bomb is not unpacked beyond the budget', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const before = process.memoryUsage().arrayBuffers
    expect(scan(bomb, { unpacked: 1024 * 1024, members: 10, depth: 3 }).unread).toBe(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })

  test('archives in archives are opened to a depth and no further', () => {
    let nested: Buffer = Buffer.from(pan)
    for (let depth = 0; depth < 3; depth++) nested = gzipSync(nested)
    expect(scan(nested)).toMatchObject({ pans: [{ brand: 'visa' }], unread: 0 })
    expect(scan(gzipSync(nested))).toMatchObject({ pans: [], unread: 1 })
  })
})

/** Texts made to be slow to look through. */
const hostile: Readonly<Record<string, string>> = {
  'digits and spaces': '4 ',
  'groups of four': '4444 ',
  'groups of four, dashes': '4123-',
  digits: '4',
  labels: 'cvv ',
  'labels and digits': 'cvv 1 ',
  'labels and dots': `cvv${'.'.repeat(47)}123,4`,
  'card numbers': `${pan} `,
  'digits of another script': '٤ ',
  'opening brackets': '<',
  'opening tags': '<a ',
  'comments without end': '<!--',
  ampersands: '&',
  references: '&#52',
  'equals signs': '=',
  'encoded words': '=?a?b?',
  backslashes: '\\u',
  base64: 'QUJD',
  parentheses: '%PDF-1.7 stream\n(((',
  'PDF arrays': '%PDF-1.7 stream\n[<41>',
  'zip ends': 'PK\u0003\u0004PK\u0005\u0006',
}

test.each(Object.entries(hostile))('time grows with the text, not with its square: %s', (_name, unit) => {
  const content = (size: number): Buffer => Buffer.from(unit.repeat(Math.floor(size / unit.length)))
  // Time of the processor, the best of a few: other work on the machine does not count.
  const cost = (text: Buffer): number =>
    Math.min(
      ...Array.from({ length: 4 }, () => {
        const began = process.cpuUsage()
        scan(text)
        const { user, system } = process.cpuUsage(began)
        return user + system
      }),
    )
  scan(content(20_000))
  // Linear is 8; quadratic is 64.
  expect(cost(content(400_000)) / Math.max(cost(content(50_000)), 300)).toBeLessThan(32)
})

test('any bytes are looked through without an error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 4000 }),
      fc.constantFrom(
        '',
        '%PDF-1.4\nstream\n',
        'PK\u0003\u0004',
        '\u001f\u008b\u0008',
        '<html>',
        '=?utf-8?B?',
      ),
      (rubbish, head) => {
        scan(Buffer.concat([Buffer.from(head, 'latin1'), rubbish]))
      },
    ),
    { numRuns: 300 },
  )
})
