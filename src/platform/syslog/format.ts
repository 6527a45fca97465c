/** How bad it is (RFC 5424 section 6.2.1), as far as we use it. */
const severities = { alert: 1, warning: 4, informational: 6 } as const

export type Severity = keyof typeof severities

/** One message, without what all messages of a sender have in common. */
export interface SyslogMessage {
  readonly severity: Severity
  readonly at: Date
  /** MSGID: the kind of message; at most 32 printable ASCII characters. */
  readonly id: string
  /** Parameters of the one element of structured data. */
  readonly data: Readonly<Record<string, string>>
  readonly text: string
}

/** What all messages of a sender have in common. */
export interface SyslogSender {
  /** A fully qualified host name. */
  readonly hostname: string
  readonly application: string
  /** SD-ID of the structured data, `name@number` (RFC 5424 section 6.3.2). */
  readonly element: string
}

// `log audit`: RFC 5424 table 1.
const facility = 13

const byteOrderMark = '\uFEFF'

/**
 * A message of RFC 5424, without framing. The same message always gives the same bytes: PROCID is left out, so that a
 * receiver sees at once that it got something twice. Throws a `TypeError` for what the form does not allow.
 */
export function formatMessage(sender: SyslogSender, message: SyslogMessage): Buffer {
  const header = [
    `<${facility * 8 + severities[message.severity]}>1`,
    message.at.toISOString(),
    word(sender.hostname, 255),
    word(sender.application, 48),
    '-',
    word(message.id, 32),
  ].join(' ')
  const data = Object.entries(message.data).map(([name, value]) => ` ${paramName(name)}="${escaped(value)}"`)
  if (!message.text.isWellFormed()) throw new TypeError('MSG is not Unicode')
  // Section 6.4: text in UTF-8 begins with the byte order mark.
  return Buffer.from(
    `${header} [${elementId(sender.element)}${data.join('')}] ${byteOrderMark}${message.text}`,
  )
}

/** RFC 6587 and RFC 5425 section 4.3: the length in octets, a space, the message. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${message.length} `), message])
}

/** Section 6: printable ASCII without spaces, and not nothing. */
function word(text: string, most: number): string {
  if (text.length > most || !/^[\x21-\x7e]+$/.test(text)) throw new TypeError('not a word of a syslog header')
  return text
}

/** Section 6.3.2: neither `=`, space, `]` nor `"`. */
function elementId(text: string): string {
  if (!/^[^\s=\]"@]{1,26}@[0-9]{1,5}(?:\.[0-9]+)*$/.test(text)) throw new TypeError('not an SD-ID')
  return word(text, 32)
}

function paramName(text: string): string {
  if (/[=\]"]/.test(text)) throw new TypeError('not a name of structured data')
  return word(text, 32)
}

/** Section 6.3.3: `"`, `\` and `]` behind a backslash; control characters are not for structured data of ours. */
function escaped(value: string): string {
  if (/\p{Cc}/u.test(value) || !value.isWellFormed()) throw new TypeError('not a value of structured data')
  return value.replace(/["\\\]]/g, '\\$&')
}
