import { createHash, type KeyObject, sign } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Address, domainOf } from '../../kernel/index.ts'
import type { WireMessage } from '../wire-message.ts'
import { hashRelaxedBody, relaxedField } from './relaxed.ts'

/** A key that signs mails of a domain, and the name under which DNS has its public half. */
export interface DkimKey {
  readonly domain: string
  readonly selector: string
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  readonly key: KeyObject
}

/** Gives the mail with a signature of the domain that `from`, the address in its From field, belongs to. */
export type SignMail = (message: WireMessage, from: Address) => Promise<WireMessage>

/**
 * Every field of ours that a reader sees or a reply goes by, each named once more than it occurs, so that adding another
 * breaks the signature (RFC 6376 section 8.15).
 */
const fields = [
  'from',
  'to',
  'cc',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
] as const

const signAsync = promisify(sign)
/** What is smaller is made once, for the hash and for the wire. */
const small = 65_536
/** Pieces that are hashed before others have their turn. */
const stretch = 8

/**
 * Signs with DKIM (RFC 6376), `relaxed/relaxed`, without a time: the same mail under the same key is the same bytes each
 * time. The key for a mail is that of its own domain or of the nearest one above it; else that of our mail host's, which
 * says who sent it, if not for whom. Without either, the mail goes as it is.
 *
 * Not nodemailer's `lib/dkim`: that names each field once, keeps a copy of the mail and signs in the event loop.
 */
export function openDkim(keys: readonly DkimKey[], mailHost: string): SignMail {
  const nearest = (domain: string): DkimKey | undefined =>
    keys
      .filter(key => domain === key.domain || domain.endsWith(`.${key.domain}`))
      .sort((a, b) => b.domain.length - a.domain.length)[0]
  const ofHost = nearest(mailHost)
  return async (message, from) => {
    const key = nearest(domainOf(from)) ?? ofHost
    if (key === undefined) return message
    const kept = message.size <= small ? Buffer.concat([...message.chunks()]) : undefined
    const chunks = kept === undefined ? () => message.chunks() : () => [kept]
    const signature = await signatureOf(key, chunks())
    return {
      size: signature.length + message.size,
      *chunks() {
        yield signature
        yield* chunks()
      },
    }
  }
}

/** The field DKIM-Signature of a mail whose header is within its first piece. */
async function signatureOf(key: DkimKey, chunks: Iterable<Buffer>): Promise<Buffer> {
  const body = hashRelaxedBody()
  let header: readonly string[] | undefined
  let done = 0
  for (const chunk of chunks) {
    if (header === undefined) {
      const end = chunk.indexOf('\r\n\r\n')
      if (end === -1) throw new Error('a mail has a header and a body')
      header = unfold(chunk.subarray(0, end).toString('latin1'))
      body.update(chunk.subarray(end + 4))
    } else body.update(chunk)
    if (++done % stretch === 0) await breathe()
  }
  const signed = (header ?? []).filter(field => isSigned(nameOf(field)))
  const names = [...signed.map(nameOf), ...fields]
  const open = [
    `DKIM-Signature: v=1; a=${key.algorithm}; c=relaxed/relaxed; d=${key.domain};`,
    ` s=${key.selector}; h=${names.join(':').replace(/.{1,64}:/g, '$&\r\n  ')};`,
    ` bh=${body.digest()};`,
    ' b=',
  ].join('\r\n')
  // Section 5.4.2: several fields of one name are named and signed from the last to the first. Ours occur once.
  const text = [...signed.map(relaxedField), relaxedField(open)].join('\r\n')
  const value = await rawSignature(key, Buffer.from(text, 'latin1'))
  return Buffer.from(`${open}${value.match(/.{1,72}/g)?.join('\r\n  ') ?? ''}\r\n`, 'latin1')
}

async function rawSignature({ algorithm, key }: DkimKey, text: Buffer): Promise<string> {
  const signature =
    algorithm === 'rsa-sha256'
      ? await signAsync('sha256', text, key)
      : // RFC 8463 section 3: Ed25519 over the SHA-256.
        await signAsync(null, createHash('sha256').update(text).digest(), key)
  return signature.toString('base64')
}

function isSigned(name: string): boolean {
  return (fields as readonly string[]).includes(name)
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).toLowerCase()
}

/** The fields of a header, each with its folded lines. */
function unfold(header: string): string[] {
  return header.split(/\r\n(?![ \t])/)
}
