import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMessage, type SyslogMessage } from '../../../src/platform/syslog/index.ts'
import { readMessage } from '../../support/syslog-receiver.ts'

const sender = { hostname: 'mail.example', application: 'sealpost', element: 'sealpost@32473' }
const message: SyslogMessage = {
  severity: 'warning',
  at: new Date('2026-11-21T10:00:00.123Z'),
  id: 'delivery.failed',
  data: { leaf: '7' },
  text: '{"a":"ä"}',
}

test('a message has the form of RFC 5424, byte for byte', () => {
  expect(formatMessage(sender, message)).toEqual(
    Buffer.from(
      '<108>1 2026-11-21T10:00:00.123Z mail.example sealpost - delivery.failed [sealpost@32473 leaf="7"] \xef\xbb\xbf{"a":"\xc3\xa4"}',
      'latin1',
    ),
  )
})

test.each([
  ['alert', 105],
  ['warning', 108],
  ['informational', 110],
] as const)('%s of the facility log audit is priority %i', (severity, priority) => {
  expect(readMessage(formatMessage(sender, { ...message, severity }).toString()).priority).toBe(priority)
})

test('any value of structured data and any text come out as they went in', () => {
  // What the grammar treats in its own way, among other characters.
  const unit = fc.constantFrom('"', '\\', ']', '[', '=', ' ', 'a', 'ä', '𝄞', '\ufeff')
  const value = fc.string({ unit, maxLength: 30 })
  fc.assert(
    fc.property(value, value, fc.string({ unit: 'binary', maxLength: 60 }), (one, other, text) => {
      const read = readMessage(formatMessage(sender, { ...message, data: { one, other }, text }).toString())
      expect(read.data).toEqual({ one, other })
      expect(read.text).toBe(text)
    }),
    { numRuns: 40 },
  )
})

test.each<[string, Partial<SyslogMessage>]>([
  ['a MSGID with a space', { id: 'a b' }],
  ['a MSGID of 33 characters', { id: 'x'.repeat(33) }],
  ['an empty MSGID', { id: '' }],
  ['a name of structured data that ends it', { data: { 'a]': 'x' } }],
  ['a line end in structured data', { data: { a: 'x\n<0>1 forged' } }],
  ['half a character', { text: '\ud800' }],
])('what would not be understood, or as something else, is not written: %s', (_, wrong) => {
  expect(() => formatMessage(sender, { ...message, ...wrong })).toThrow(TypeError)
})

test('nor a host name or an element that is none', () => {
  expect(() => formatMessage({ ...sender, hostname: 'mail example' }, message)).toThrow(TypeError)
  expect(() => formatMessage({ ...sender, element: 'sealpost' }, message)).toThrow(TypeError)
})
