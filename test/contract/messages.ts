import fc from 'fast-check'

const label = fc.stringMatching(/^[a-z]([a-z-]{0,8}[a-z])?$/)
const address = fc.oneof(
  fc.constantFrom('settlement@payments.example', 'disputes@acquirer.example'),
  fc
    .tuple(fc.stringMatching(/^[A-Za-z!#$%&'*+/=?^_`{|}~-]{1,12}(\.[a-z]{1,5})?$/), label, label)
    .map(([local, host, top]) => `${local}@${host}.${top}`),
)

/** What a header may hold, with characters of every length in UTF-8 and UTF-16. */
const line = fc.string({ unit: fc.constantFrom('a', ' ', 'ß', '漢', '😀', '"', '\\', '/'), maxLength: 40 })
const content = fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes).toString('base64'))

/** Messages of the right form. */
export const message = fc.record(
  {
    from: address,
    to: fc.uniqueArray(address, { minLength: 1, maxLength: 4 }),
    subject: line,
    text: fc.string({ unit: 'binary', maxLength: 30 }).map(text => text.replaceAll('\0', '').toWellFormed()),
    html: line,
    attachments: fc.array(
      fc.record({
        filename: fc.constantFrom('a.csv', 'Kundenliste März.pdf', '...', '漢.txt'),
        contentType: fc.constantFrom('text/csv', 'application/vnd.ms-excel', 'image/svg+xml'),
        content,
      }),
      { maxLength: 3 },
    ),
    reference: fc.stringMatching(/^[A-Za-z._:-]{1,12}$/),
    replyTo: address,
    expiresAt: fc.constantFrom(
      '2027-02-28T23:59:59Z',
      '2028-02-29t00:00:00.123456789+14:00',
      '2099-12-31T00:00:00-23:59',
    ),
    stripMetadata: fc.boolean(),
  },
  { requiredKeys: ['from', 'to', 'subject'] },
)

/** What stands at a bound, on it or beside it, or is what others trip over. */
const oddities: readonly unknown[] = [
  null,
  0,
  -0,
  1e308,
  true,
  '',
  [],
  {},
  [[]],
  'a'.repeat(998),
  'a'.repeat(999),
  '😀'.repeat(499),
  '😀'.repeat(500),
  '\ud800',
  'a\udfffb',
  '\0',
  'a\r\nBcc: x@y.example',
  '\u202e',
  '\u2028',
  '\u0085',
  '\u007f',
  '\ufeff',
  `${'a'.repeat(64)}@b.example`,
  `${'a'.repeat(65)}@b.example`,
  `a@${'b.'.repeat(124)}ex`,
  `a@${'b.'.repeat(125)}ex`,
  `${'a'.repeat(64)}@${'b'.repeat(63)}.${'b'.repeat(63)}.${'b'.repeat(61)}`,
  `${'a'.repeat(64)}@${'b'.repeat(63)}.${'b'.repeat(63)}.${'b'.repeat(60)}.c`,
  `a@${'b'.repeat(64)}.example`,
  'a@b.1',
  'a@1',
  'a@b.1c',
  'a@b',
  'a@b.',
  '.a@b.example',
  'a..b@c.example',
  'a@b@c.example',
  '"a b"@c.example',
  'a@[127.0.0.1]',
  'ä@b.example',
  'a@b.example\n',
  ' a@b.example',
  '.',
  '..',
  'a/b',
  'a\\b',
  'b'.repeat(255),
  'b'.repeat(256),
  'text/plain; charset=utf-8',
  'Message/rfc822',
  'MULTIPART/mixed',
  'messages/x',
  `a/${'b'.repeat(63)}`,
  `a/${'b'.repeat(64)}`,
  'text',
  'Y2FyZA==',
  'Y2FyZB==',
  'Y2FyZA',
  'Y2Fy ZA==',
  'Y2Fy\nZA==',
  '====',
  'AA==AA==',
  'c'.repeat(128),
  'c'.repeat(129),
  '2027-02-29T00:00:00Z',
  '2027-02-30T00:00:00Z',
  '2027-04-31T00:00:00Z',
  '2027-13-01T00:00:00Z',
  '2027-01-01T24:00:00Z',
  '2027-01-01T00:00:60Z',
  '2027-01-01 00:00:00Z',
  '2027-01-01T00:00:00',
  '2027-01-01T00:00Z',
  '2027-01-01T00:00:00.Z',
  '2027-01-01T00:00:00.1234567890Z',
  '2027-01-01T00:00:00+24:00',
  '2027-01-01T00:00:00-00:00',
  '2027-01-01',
  '1999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59-23:59',
  '٢٠٢٧-01-01T00:00:00Z',
  Array.from(
    { length: 50 },
    (_, i) => `a${String.fromCharCode(97 + (i % 26))}${i > 25 ? 'x' : ''}@b.example`,
  ),
  Array.from({ length: 51 }, (_, i) => `a${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i)}@b.example`),
  ['a@b.example', 'a@b.example'],
  ['a@b.example', 'A@b.example'],
  Array.from({ length: 101 }, () => ({ filename: 'a', contentType: 'text/csv', content: '' })),
]

const oddity: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...oddities),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 3 }),
)

const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'To',
  'cc',
  'bcc',
  'headers',
  '',
  'text\0',
)

/** A message with every field, and every odd value in each place of it: each is a case. */
export function* everyOddity(): Generator {
  const whole = {
    from: 'a@b.example',
    to: ['c@d.example'],
    subject: 's',
    text: 't',
    html: 'h',
    attachments: [{ filename: 'f.csv', contentType: 'text/csv', content: 'AA==' }],
    reference: 'r',
    replyTo: 'a@b.example',
    expiresAt: '2027-01-01T00:00:00Z',
    stripMetadata: true,
  }
  for (const place of placesIn(whole)) for (const odd of oddities) yield at(whole, place, () => odd)
}

/** A value with one place of it changed: replaced, taken away, or with a field that has no place there. */
export function changed(value: unknown): fc.Arbitrary<unknown> {
  const places = [...placesIn(value)]
  return fc
    .tuple(fc.constantFrom(...places), fc.constantFrom('replace', 'remove', 'add'), oddity, names)
    .map(([place, how, odd, name]) => {
      if (how === 'replace' || place.length === 0)
        return how === 'add' ? added(value, [], name, odd) : at(value, place, () => odd)
      return how === 'remove'
        ? at(value, place, () => undefined)
        : added(value, place.slice(0, -1), name, odd)
    })
}

type Place = readonly (string | number)[]

function* placesIn(value: unknown, place: Place = []): Generator<Place> {
  yield place
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    yield* placesIn(member, [...place, Array.isArray(value) ? Number(name) : name])
  }
}

/** Undefined takes the member away. */
function at(value: unknown, [name, ...rest]: Place, change: (old: unknown) => unknown): unknown {
  if (name === undefined) return change(value)
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, i) => {
      if (i !== name) return [item]
      const changedItem = at(item, rest, change)
      return changedItem === undefined ? [] : [changedItem]
    })
  }
  const entries = Object.entries(value as object).map(
    ([key, member]) => [key, key === name ? at(member, rest, change) : (member as unknown)] as const,
  )
  return fromEntries(entries.filter(([, member]) => member !== undefined))
}

function added(value: unknown, place: Place, name: string, member: unknown): unknown {
  return at(value, place, old =>
    typeof old !== 'object' || old === null || Array.isArray(old)
      ? member
      : fromEntries([...Object.entries(old), [name, member]]),
  )
}

/** Also with `__proto__` as a field like any other, as JSON has it. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
  }
  return object
}
