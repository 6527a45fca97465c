import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

/** A case of the corpus: what is looked through, and what a perfect detector finds in it. */
export interface Case {
  readonly form: string
  readonly content: Buffer
  readonly expect: 'pan' | 'sad' | 'nothing'
}

type Random = () => number

/** A small generator of numbers (mulberry32), so that a corpus is the same whenever it is made. */
export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Prefixes and lengths of each brand; numbers are made when the corpus is, and stored nowhere. */
const brands: readonly (readonly [prefixes: readonly string[], lengths: readonly number[]])[] = [
  [['4'], [13, 16, 18, 19]],
  [['51', '52', '53', '54', '55', '2221', '2300', '2720'], [16]],
  [['34', '37'], [15]],
  [
    ['300', '305', '36', '38', '39'],
    [14, 16, 19],
  ],
  [
    ['6011', '644', '649', '65'],
    [16, 19],
  ],
  [
    ['3528', '3550', '3589'],
    [16, 17, 18, 19],
  ],
  [
    ['622126', '625', '6282', '8110'],
    [16, 17, 18, 19],
  ],
  [
    ['5018', '5020', '5038', '56', '6304', '6759', '6761', '6763'],
    [12, 13, 14, 15, 16, 17, 18, 19],
  ],
  [
    ['2200', '2201', '2204'],
    [16, 17, 18, 19],
  ],
  [['60', '508', '82', '353'], [16]],
  [['9792'], [16]],
  [
    ['506100', '507866', '650002'],
    [16, 18, 19],
  ],
  [['401178', '636297', '509000'], [16]],
  [['606282'], [16]],
  [['1'], [15]],
  [['31'], [19]],
  [['8600', '9860'], [16]],
]

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
const digitsOf = (random: Random, count: number): string =>
  Array.from({ length: count }, () => Math.floor(random() * 10)).join('')

function checkDigit(partial: string): string {
  let sum = 0
  Array.from(partial)
    .toReversed()
    .forEach((digit, i) => {
      const value = Number(digit) * (i % 2 === 0 ? 2 : 1)
      sum += value > 9 ? value - 9 : value
    })
  return String((10 - (sum % 10)) % 10)
}

export function anyPan(random: Random): string {
  const [prefixes, lengths] = pick(random, brands)
  const prefix = pick(random, prefixes)
  const partial = prefix + digitsOf(random, pick(random, lengths) - 1 - prefix.length)
  return partial + checkDigit(partial)
}

/** As it stands on the card. */
function grouped(pan: string, separator: string): string {
  if (pan.length === 15) return [pan.slice(0, 4), pan.slice(4, 10), pan.slice(10)].join(separator)
  if (pan.length === 14) return [pan.slice(0, 4), pan.slice(4, 10), pan.slice(10)].join(separator)
  return (pan.match(/.{1,4}/g) ?? []).join(separator)
}

const sentence = (random: Random, pan: string): string =>
  pick(random, [
    `Please refund card ${pan} today.`,
    `Kartennummer: ${pan}, gültig bis 12/29`,
    `PAN=${pan};amount=12.50`,
    `"${pan}"`,
    `(${pan})`,
    `Your card no. ${pan}\r\nThank you`,
    pan,
    `order 4711 / card ${pan} / 2026-11-21`,
  ])

const zeroes = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xe50, 0xff10, 0x1d7ce, 0x1040, 0x17e0, 0x1e950]
const inScript = (pan: string, zero: number): string =>
  Array.from(pan)
    .map(digit => String.fromCodePoint(zero + Number(digit)))
    .join('')

function zipOf(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content)
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(packed.length, 18)
  head.writeUInt32LE(content.length, 22)
  head.writeUInt16LE(name.length, 26)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(8, 10)
  entry.writeUInt32LE(packed.length, 20)
  entry.writeUInt32LE(content.length, 24)
  entry.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(46 + name.length, 12)
  end.writeUInt32LE(30 + name.length + packed.length, 16)
  return Buffer.concat([head, Buffer.from(name), packed, entry, Buffer.from(name), end])
}

function pdfOf(operators: string): Buffer {
  const packed = deflateSync(`BT /F1 12 Tf 72 700 Td ${operators} ET`)
  return Buffer.concat([
    Buffer.from(`%PDF-1.7\n4 0 obj << /Length ${packed.length} /Filter /FlateDecode >>\nstream\n`),
    packed,
    Buffer.from('\nendstream\nendobj\n%%EOF\n'),
  ])
}

const htmlOf = (body: string): string => `<!doctype html><html><body><p>${body}</p></body></html>`
const swap = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

/** Every form in which a number must be found, listed in docs/card-data.md. */
export const panForms: Readonly<Record<string, (pan: string, random: Random) => string | Buffer>> = {
  'in one piece': (pan, random) => sentence(random, pan),
  'in groups, spaces': (pan, random) => sentence(random, grouped(pan, ' ')),
  'in groups, dashes': (pan, random) => sentence(random, grouped(pan, '-')),
  'in groups, dots or slashes': (pan, random) =>
    sentence(random, grouped(pan, pick(random, ['.', '/', '_']))),
  'in groups, other spaces and dashes': (pan, random) =>
    sentence(
      random,
      grouped(pan, pick(random, ['\u00a0', '\u2009', '\u202f', '\u2003', '\u2013', '\u2011', ' - ', '  '])),
    ),
  'digit by digit': (pan, random) => Array.from(pan).join(pick(random, [' ', '-', '.'])),
  'invisible characters between': (pan, random) =>
    sentence(
      random,
      grouped(pan, pick(random, ['\u200b', '\u200d', '\u00ad', '\u2060', '\ufeff', '\u200e'])),
    ),
  'letters beside it': (pan, random) =>
    `${pick(random, ['PAN', 'card', 'x', 'Nr'])}${pan}${pick(random, ['EUR', '', 'x'])}`,
  'digits of another script': (pan, random) => sentence(random, inScript(pan, pick(random, zeroes))),
  'followed by its expiry': (pan, random) =>
    `${grouped(pan, ' ')} ${pick(random, ['12/29', '1229', '12-2029'])}`,
  'wrapped at a line end': pan =>
    `${pan.slice(0, 4)} ${pan.slice(4, 8)}\r\n${(pan.slice(8).match(/.{1,4}/g) ?? []).join(' ')}`,
  'zeros before it': (pan, random) => '0'.repeat(24 - pan.length + Math.floor(random() * 4)) + pan,
  CSV: (pan, random) => `id,name,card,amount\r\n17,Doe,${pan},${Math.floor(random() * 9000) / 100}\r\n`,
  JSON: (pan, random) =>
    JSON.stringify({ id: Math.floor(random() * 1e6), card: random() < 0.5 ? pan : grouped(pan, ' ') }),
  'JSON escapes': pan =>
    `{"card":"${Array.from(pan)
      .map(digit => `\\u003${digit}`)
      .join('')}"}`,
  'percent escapes': pan =>
    `https://shop.example/?n=${Array.from(pan)
      .map(digit => `%3${digit}`)
      .join('')}`,
  XML: pan => `<?xml version="1.0"?><card><pan>${pan}</pan></card>`,
  'HTML, split by tags': pan =>
    htmlOf(`<b>${pan.slice(0, 4)}</b><span>${pan.slice(4, 8)}</span><!-- x --><i>${pan.slice(8)}</i>`),
  'HTML references': pan =>
    htmlOf(
      Array.from(pan)
        .map(digit => `&#${48 + Number(digit)};`)
        .join(''),
    ),
  'HTML spaces': pan => htmlOf(grouped(pan, '&nbsp;')),
  'quoted-printable': (pan, random) =>
    random() < 0.5
      ? `card =\r\n${pan.slice(0, 7)}=\r\n${pan.slice(7)}`
      : Array.from(pan)
          .map(digit => `=3${digit}`)
          .join(''),
  'base64 in a text': (pan, random) =>
    `body:\r\n\r\n${Buffer.from(sentence(random, pan)).toString('base64')}\r\n`,
  'encoded words': pan =>
    `Subject: =?utf-8?B?${Buffer.from(`card ${pan.slice(0, 8)}`).toString('base64')}?=\r\n =?utf-8?Q?${pan.slice(8)}?=`,
  'UTF-16': (pan, random) =>
    pick(random, [
      (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le'),
      (text: string) => swap(`\ufeff${text}`),
      (text: string) => Buffer.from(text, 'utf16le'),
      swap,
    ])(`the card number ${pan} is`),
  gzip: (pan, random) => gzipSync(sentence(random, pan)),
  zip: (pan, random) => zipOf('a.txt', Buffer.from(sentence(random, pan))),
  'zip in zip': (pan, random) => zipOf('b.zip', zipOf('a.csv', Buffer.from(sentence(random, pan)))),
  'spreadsheet (OOXML)': pan =>
    zipOf(
      'xl/sharedStrings.xml',
      Buffer.from(
        `<?xml version="1.0"?><sst><si><t>card</t></si><si><r><t>${pan.slice(0, 6)}</t></r><r><rPr><b/></rPr><t>${pan.slice(6)}</t></r></si></sst>`,
      ),
    ),
  'document (OOXML)': pan =>
    zipOf(
      'word/document.xml',
      Buffer.from(
        `<?xml version="1.0"?><w:document><w:p><w:r><w:t>${pan.slice(0, 5)}</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>${pan.slice(5)}</w:t></w:r></w:p></w:document>`,
      ),
    ),
  'PDF, one string': pan => pdfOf(`(Card ${pan}) Tj`),
  'PDF, kerned': pan => pdfOf(`[(${pan.slice(0, 4)}) -20 (${pan.slice(4, 9)}) 15 (${pan.slice(9)})] TJ`),
  'PDF, hex': pan => pdfOf(`<${Buffer.from(pan).toString('hex')}> Tj`),
  'in a long text, anywhere': (pan, random) => {
    const text = 'Lorem ipsum dolor sit amet, 12 consectetur. '.repeat(1600)
    const at = 65_536 + Math.floor(random() * 40) - 30
    return `${text.slice(0, at)} ${pan} ${text.slice(at, at + 500)}`
  },
}

const iban = (random: Random): string => {
  const [country, length] = pick(random, [
    ['DE', 18],
    ['SE', 20],
    ['AT', 16],
    ['ES', 20],
    ['BE', 12],
    ['CH', 17],
    ['NO', 11],
    ['PL', 24],
  ] as const)
  const account = digitsOf(random, length)
  const rest =
    BigInt(
      `${account}${Array.from(country)
        .map(char => char.charCodeAt(0) - 55)
        .join('')}00`,
    ) % 97n
  return `${country}${String(98n - rest).padStart(2, '0')}${account}`
}
const hexOf = (random: Random, count: number): string =>
  Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('')
const uuid = (random: Random): string => {
  const h = hexOf(random, 32)
  return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20)].join('-')
}

/** What resembles card data and is none. */
export const negatives: Readonly<Record<string, (random: Random) => string>> = {
  'order numbers': random => `Order ${digitsOf(random, 6 + Math.floor(random() * 14))}`,
  'IBAN in groups': random => `IBAN ${(iban(random).match(/.{1,4}/g) ?? []).join(' ')}`,
  'IBAN in one piece': random => iban(random),
  'phone numbers': random =>
    pick(random, [
      `+49 ${digitsOf(random, 3)} ${digitsOf(random, 8)}`,
      `+1 (${digitsOf(random, 3)}) ${digitsOf(random, 3)}-${digitsOf(random, 4)}`,
      `0044 20 ${digitsOf(random, 4)} ${digitsOf(random, 4)}`,
      `+4${digitsOf(random, 12)}`,
    ]),
  IMEI: random => {
    const partial = `35${digitsOf(random, 12)}`
    return `IMEI ${partial}${checkDigit(partial)}`
  },
  UUID: random => uuid(random),
  'UUID of digits': random =>
    `${digitsOf(random, 8)}-${digitsOf(random, 4)}-${digitsOf(random, 4)}-${digitsOf(random, 4)}-${digitsOf(random, 12)}`,
  digests: random => hexOf(random, pick(random, [32, 40, 64, 128])),
  'base64 blobs': random => Buffer.from(hexOf(random, 60), 'hex').toString('base64'),
  'tracking numbers': random =>
    pick(random, [
      `1Z${hexOf(random, 6).toUpperCase()}${digitsOf(random, 10)}`,
      `9400 ${(digitsOf(random, 18).match(/.{1,4}/g) ?? []).join(' ')}`,
      `JD0${digitsOf(random, 17)}`,
    ]),
  floats: random =>
    `${digitsOf(random, 1 + Math.floor(random() * 4))}.${digitsOf(random, 8 + Math.floor(random() * 8))}`,
  coordinates: random =>
    `${digitsOf(random, 2)}.${digitsOf(random, 6)}, ${digitsOf(random, 2)}.${digitsOf(random, 6)}`,
  timestamps: random =>
    pick(random, [
      `2026-${digitsOf(random, 2)}-21T18:16:00.${digitsOf(random, 6)}Z`,
      `17${digitsOf(random, 11)}`,
      `17${digitsOf(random, 14)}`,
      `2026${digitsOf(random, 10)}`,
      `2026-11-21 18.16.${digitsOf(random, 2)}`,
    ]),
  'IP addresses': random => Array.from({ length: 4 }, () => Math.floor(random() * 256)).join('.'),
  'IP ranges': random => `10.${digitsOf(random, 2)}.112.100 - 10.${digitsOf(random, 2)}.112.255`,
  'years in a row': random => Array.from({ length: 5 }, () => 1990 + Math.floor(random() * 40)).join(' '),
  'columns of numbers': random => Array.from({ length: 6 }, () => digitsOf(random, 4)).join('\n'),
  'long references in groups': random => (digitsOf(random, 24).match(/.{1,4}/g) ?? []).join(' '),
  'long references': random => digitsOf(random, 20 + Math.floor(random() * 12)),
  amounts: random =>
    `${digitsOf(random, 2)}.${digitsOf(random, 3)}.${digitsOf(random, 3)}.${digitsOf(random, 3)},00`,
  ISBN: random =>
    `978-${digitsOf(random, 1)}-${digitsOf(random, 4)}-${digitsOf(random, 4)}-${digitsOf(random, 1)}`,
  'MAC addresses': random => (hexOf(random, 12).match(/../g) ?? []).join(':'),
  'SIM card numbers': random => {
    const partial = `8949${digitsOf(random, 14)}`
    return partial + checkDigit(partial)
  },
  'masked card numbers': random => `4111 11** **** ${digitsOf(random, 4)}`,
  'truncated card numbers': random => `card ending in ${digitsOf(random, 4)}`,
  'words like labels': random =>
    pick(random, [
      `Customer ID (CID) ${digitsOf(random, 8)}`,
      `PIN code ${digitsOf(random, 6)}, Mumbai`,
      `the CVV is checked by the issuer`,
      `see section CVC-7, page ${digitsOf(random, 2)}`,
      `security code review ${digitsOf(random, 2)} of 2026`,
      `csc ${digitsOf(random, 1)}.${digitsOf(random, 3)}`,
    ]),
}

/** What must never be accepted, in the forms of docs/card-data.md. */
export const sadForms: Readonly<Record<string, (pan: string, random: Random) => string>> = {
  'track 1': (pan, random) => `%B${pan}^DOE/JANE^2912101${digitsOf(random, 10)}?`,
  'track 2': (pan, random) => `;${pan}=2912101${digitsOf(random, 8)}?`,
  'track 2 of a chip': (pan, random) => `57: ${pan}D2912201${digitsOf(random, 8)}F`,
  'code with a label': (_, random) =>
    `${pick(random, ['CVV', 'cvv2', 'CVC', 'CVC2:', 'CAV2 =', 'CVN', 'security code:', 'Prüfziffer:', 'card verification value', 'code de sécurité :', '"cvv":"', 'cvv":'])} ${digitsOf(random, 3)}`,
  'code after the card': (pan, random) => `${pan} 12/29 CVV ${digitsOf(random, 3)}`,
  'code in a column': (pan, random) => `card;expiry;cvv\n${pan};12/29;${digitsOf(random, 3)}\n`,
  'code in a table': (pan, random) =>
    htmlOf(
      `<table><tr><th>card</th><th>CVC</th></tr><tr><td>${pan}</td><td>${digitsOf(random, 3)}</td></tr></table>`,
    ),
  'CID beside the card': (pan, random) => `${pan}, CID: ${digitsOf(random, 4)}`,
  PIN: (_, random) => `PIN: ${digitsOf(random, 4)}`,
  'PIN block': (_, random) => `PIN block: 04${hexOf(random, 14).toUpperCase()}`,
}

/** `each` cases of every form. */
export function* corpus(seed: number, each: number): Generator<Case> {
  const random = randomFrom(seed)
  const bytes = (content: string | Buffer): Buffer =>
    typeof content === 'string' ? Buffer.from(content) : content
  for (let i = 0; i < each; i++) {
    for (const [form, make] of Object.entries(panForms))
      yield { form, content: bytes(make(anyPan(random), random)), expect: 'pan' }
    for (const [form, make] of Object.entries(sadForms))
      yield { form, content: bytes(make(anyPan(random), random)), expect: 'sad' }
    for (const [form, make] of Object.entries(negatives))
      yield { form, content: bytes(make(random)), expect: 'nothing' }
  }
}
