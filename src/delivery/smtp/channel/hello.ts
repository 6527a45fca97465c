import type { Conversation } from '../conversation.ts'
import type { Reply } from '../reply.ts'

/** What a server offers, of what we would use (RFC 5321 section 4.1.1.1). */
export interface Extensions {
  readonly pipelining: boolean
  /** The largest message that is taken, in bytes; 0: no limit named; absent: SIZE is not offered. */
  readonly size?: number
  /** RFC 3461. */
  readonly dsn: boolean
  /** RFC 8689. */
  readonly requireTls: boolean
  /** SASL mechanisms, in upper case (RFC 4954). */
  readonly auth: readonly string[]
}

/** EHLO inside TLS. RFC 3207 section 4.2: what was learnt before the handshake is forgotten. */
export async function sayHello(talk: Conversation, mailHost: string): Promise<Extensions> {
  const offer = keywords(await talk.ask('ehlo', `EHLO ${mailHost}`, 250))
  const size = offer.get('SIZE')
  return {
    pipelining: offer.has('PIPELINING'),
    ...(size === undefined ? {} : { size: /^[0-9]{1,15}$/.test(size) ? Number(size) : 0 }),
    dsn: offer.has('DSN'),
    requireTls: offer.has('REQUIRETLS'),
    auth: offer.get('AUTH')?.toUpperCase().split(' ') ?? [],
  }
}

/** The first line is a greeting, each other a keyword and its parameters. */
export function keywords({ lines }: Reply): ReadonlyMap<string, string> {
  return new Map(
    lines.slice(1).map(line => {
      const [, keyword = '', parameters = ''] = /^([A-Za-z0-9-]+)(?: (.*))?$/.exec(line) ?? []
      return [keyword.toUpperCase(), parameters]
    }),
  )
}
