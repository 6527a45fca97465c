import { randomBytes } from 'node:crypto'

export interface Sample {
  readonly subject: string
  readonly text?: string
  readonly html?: string
  readonly attachments?: readonly {
    readonly filename: string
    readonly contentType: string
    readonly bytes: Buffer
  }[]
}

/** What has been mangled by mail software since there is mail. */
const trickyText = [
  'Card 4111 1111 1111 1111, Zürich 東京 🏦👩‍💻',
  '.',
  '..',
  'From here on',
  '>From there',
  '-- ',
  '- dash',
  '-----BEGIN PGP MESSAGE-----',
  '=3D =?UTF-8?Q?x?= trailing space ',
  'x'.repeat(3000),
  '\ttab\u00a0nbsp\u2028',
  '',
  '',
].join('\r\n')

const octet = 'application/octet-stream'

/** Messages as an application posts them, by what each shows. */
export const samples: Readonly<Record<string, Sample>> = {
  'text of all kinds': { subject: 'Zahlung für März 💶 – “Belege”', text: trickyText },
  'LF, CR and CRLF mixed': { subject: 'Line ends', text: 'a\nb\r\nc\rd\n\n.\n' },
  'an empty text and an empty subject': { subject: '', text: '' },
  'text, html and attachments': {
    subject: 'Statement',
    text: trickyText,
    html: '<p>Grüße, <b>4111 1111 1111 1111</b></p>\n.\nFrom <i>us</i>\n',
    attachments: [
      { filename: 'Übersicht März „final“.pdf', contentType: 'application/pdf', bytes: randomBytes(10_001) },
      { filename: 'every octet.bin', contentType: octet, bytes: Buffer.from([...Array(256).keys()]) },
      { filename: 'empty.dat', contentType: octet, bytes: Buffer.alloc(0) },
      { filename: 'lines.csv', contentType: 'text/csv', bytes: Buffer.from('a;b\r\nc;d\n.\nFrom x\r') },
    ],
  },
  // Beyond 128 kB the sealer streams: packets with partial lengths (RFC 9580 section 4.2.1.4).
  'two megabytes': {
    subject: 'Large',
    attachments: [{ filename: 'large.bin', contentType: octet, bytes: randomBytes(2_000_000) }],
  },
}

/** The body of `POST /v1/messages`. */
export function submission(sample: Sample, from: string, to: string) {
  const { attachments = [], ...texts } = sample
  return {
    from,
    to: [to],
    ...texts,
    attachments: attachments.map(({ bytes, ...rest }) => ({ ...rest, content: bytes.toString('base64') })),
  }
}
