import {
  type Answer,
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  RECURSION_DESIRED,
} from 'dns-packet'

export type QuestionType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'TLSA' | 'TXT'

export interface Question {
  /** One that {@link isName} accepts, or `.`. */
  readonly name: string
  readonly type: QuestionType
  /** Whether the resolver is to keep its doubts to itself. Only to find out whether it has any. */
  readonly unchecked?: boolean
}

/** What the resolver said to a question. */
export type Reply =
  | { readonly kind: 'truncated' }
  /** SERVFAIL, REFUSED and the like, or an answer that is none. */
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'answered'
      /** The AD bit. Whether it is to be believed is for others to say. */
      readonly authentic: boolean
      /** False for NXDOMAIN. */
      readonly exists: boolean
      /** Where CNAMEs led. */
      readonly canonical: string
      /** Those of the type that was asked for, at the canonical name. */
      readonly records: readonly Answer[]
    }

// DNS flag day 2020: what passes every path in one piece.
const datagram = 1232
const aliases = 8
// Each may have a name that is a long way through the message to read.
const recordsPerMessage = 256

/** Whether DNS is asked about `name`: labels of letters, digits, hyphens and underscores, at most 253 octets. */
export function isName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(name)
}

/** A query that wants recursion and the verdict of DNSSEC (RFC 6840 section 5.7). */
export function writeQuery(id: number, { name, type, unchecked = false }: Question): Buffer {
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA | (unchecked ? CHECKING_DISABLED : 0),
    questions: [{ type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: datagram,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: DNSSEC_OK,
        flag_do: true,
        options: [],
      },
    ],
  })
}

/** What a message says to our query; undefined when it is no reply to it, whoever sent it. */
export function readReply(message: Buffer, id: number, question: Question): Reply | undefined {
  const packet = unpack(message)
  if (packet === undefined || !packet.flag_qr || packet.id !== id) return undefined
  const [asked] = packet.questions ?? []
  if (asked === undefined) return undefined
  if (asked.type !== question.type || asked.class !== 'IN' || !isSame(asked.name, question.name))
    return undefined
  if (packet.flag_tc) return { kind: 'truncated' }
  const { flags = 0, additionals = [] } = packet
  const opcode = (flags >> 11) & 0xf
  const extended = additionals.some(record => record.type === 'OPT' && record.extendedRcode !== 0)
  const status = flags & 0xf
  if (opcode !== 0 || extended || (status !== 0 && status !== 3)) return { kind: 'refused' }
  return follow(packet, question, status === 0)
}

/** The records at the end of the chain of CNAMEs. A chain that is long or a ring, or records of others, are no answer. */
function follow(packet: DecodedPacket, { name, type }: Question, exists: boolean): Reply {
  const answers = (packet.answers ?? []).filter(record => record.type === 'OPT' || record.class === 'IN')
  let canonical = plain(name)
  const seen = new Set([canonical])
  while (type !== 'CNAME') {
    const targets = answers.flatMap(record =>
      record.type === 'CNAME' && isSame(record.name, canonical) ? [plain(record.data)] : [],
    )
    const [target, ...others] = targets
    if (target === undefined) break
    if (others.length > 0 || !isName(target) || seen.has(target) || seen.size > aliases)
      return { kind: 'refused' }
    seen.add(target)
    canonical = target
  }
  const records = answers.filter(record => record.type === type)
  if (records.some(record => !isSame(record.name, canonical))) return { kind: 'refused' }
  if (!exists && records.length > 0) return { kind: 'refused' }
  return { kind: 'answered', authentic: packet.flag_ad, exists, canonical, records }
}

/** Undefined for what is no DNS message from its first to its last octet. */
function unpack(message: Buffer): DecodedPacket | undefined {
  if (message.length < 12) return undefined
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  if (message.readUInt16BE(4) !== 1 || records > recordsPerMessage) return undefined
  try {
    const packet = decode(message)
    return decode.bytes === message.length ? packet : undefined
  } catch {
    return undefined
  }
}

function isSame(one: string, other: string): boolean {
  return plain(one) === plain(other)
}

/** In lower case, without the dot at the end. */
export function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
