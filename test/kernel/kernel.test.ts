import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import {
  armour,
  isAddress,
  isId,
  newId,
  Plaintext,
  reveal,
  scrubPans,
  version,
  wipe,
} from '../../src/kernel/index.ts'

test('the version is that of the package', () => {
  expect(version).toBe(manifest.version)
})

describe('an address', () => {
  test.each(['a@b', 'first.last@mail.bank.example', "o'neil+x@a-b.example", 'A@B.Example'])('%s', text => {
    expect(isAddress(text)).toBe(true)
  })

  test.each([
    ['a comment', 'a(x)@b.example'],
    ['a group', 'g:a@b.example;'],
    ['quotes', '"a b"@c.example'],
    ['two @', 'a@b@c.example'],
    ['a route', '@x.example:a@b.example'],
    ['a space in the domain', 'a@b .example'],
    ['CRLF', 'a@b.example\r\nRCPT TO:<x@y.example>'],
    ['a trailing line feed', 'a@b.example\n'],
    ['NUL', 'a\0@b.example'],
    ['a homoglyph', 'a@bаnk.example'],
    ['full-width', 'a@ｂ.example'],
    ['an address literal', 'a@[127.0.0.1]'],
    ['a bare IP address', 'a@127.0.0.1'],
    ['a leading dot', '.a@b.example'],
    ['two dots', 'a..b@c.example'],
    ['a trailing dot', 'a@b.example.'],
    ['a hyphen at the end of a label', 'a@b-.example'],
    ['a display name', 'A <a@b.example>'],
    ['a local part of 65', `${'a'.repeat(65)}@b.example`],
    ['255 characters', `a@${'b'.repeat(61)}.${'b'.repeat(61)}.${'b'.repeat(61)}.${'b'.repeat(61)}.example`],
    ['nothing', ''],
  ])('with %s is none', (_name, text) => {
    expect(isAddress(text)).toBe(false)
  })
})

describe('an id', () => {
  test('sorts by time, and is known by its prefix', () => {
    const at = (ms: number) => newId('msg', { now: () => new Date(ms) })
    expect(at(1_000) < at(1_001)).toBe(true)
    expect(isId('msg', at(1_000))).toBe(true)
    expect(isId('dlv', at(1_000))).toBe(false)
    expect(isId('msg', `${at(1_000)}x`)).toBe(false)
  })
})

describe('plaintext', () => {
  const body = new Plaintext(Buffer.from('4111111111111111'))

  test.each([
    ['String()', String(body)],
    ['JSON', JSON.stringify({ body })],
    ['inspect', inspect({ body }, { showHidden: true, depth: null })],
    ['keys', Object.getOwnPropertyNames(body).join()],
  ])('is not shown by %s', (_name, shown) => {
    expect(shown).not.toMatch(/4111|52, ?49/)
  })

  test('is zeroed by wipe, and gone', () => {
    const bytes = Buffer.from('secret')
    const wiped = new Plaintext(bytes)
    wipe(wiped)
    expect(bytes).toEqual(Buffer.alloc(6))
    expect(() => reveal(wiped)).toThrow()
  })
})

describe('scrubPans', () => {
  test.each([
    ['4111111111111111'],
    ['4111 1111 1111 1111'],
    ['4111-1111-1111-1111'],
    ['4111.1111.1111.1111'],
    ['378282246310005'],
    ['PAN4111111111111111.'],
  ])('hides %s', text => {
    expect(scrubPans(`card ${text} sent`)).not.toMatch(/\d{4}/)
  })

  test('leaves what cannot be a card number', () => {
    const text = 'order 4111111111111112, 2026-11-20, 127.0.0.1:8443, 12345'
    expect(scrubPans(text)).toBe(text)
  })
})

test('armour is CRLF, 64 columns, decodes to the same bytes, and ends with its checksum', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), bytes => {
      const lines = armour('MESSAGE', bytes).split('\r\n')
      expect(lines[0]).toBe('-----BEGIN PGP MESSAGE-----')
      expect(lines.every(line => line.length <= 64)).toBe(true)
      expect(Buffer.from(lines.slice(2, -3).join(''), 'base64')).toEqual(Buffer.from(bytes))
    }),
  )
  // 21CF02, the check value of CRC-24/OPENPGP.
  expect(armour('MESSAGE', Buffer.from('123456789')).split('\r\n').at(-3)).toBe('=Ic8C')
})
