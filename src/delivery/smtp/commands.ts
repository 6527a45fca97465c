import type { Channel } from './open-channel.ts'
import type { Envelope, SendOptions } from './session.ts'

/** The commands of one message, without their line ends. Nothing else is said. */
export interface Commands {
  readonly mail: string
  readonly rcpt: string
}

/**
 * What has to be said for a message, to the byte; addresses as they were given, extensions where they are offered. BODY and
 * SMTPUTF8 are never said: the mail is 7-bit (RFC 3156), addresses are ASCII. Undefined for an ENVID that would have to be
 * encoded.
 */
export function commandsOf(
  { from, to }: Envelope,
  size: number,
  { extensions, requireTls }: Pick<Channel, 'extensions' | 'requireTls'>,
  { dsn }: SendOptions,
): Commands | undefined {
  if (dsn !== undefined && !/^[\x21-\x2a\x2c-\x3c\x3e-\x7e]{1,100}$/.test(dsn.envid)) return undefined
  const reports = extensions.dsn ? dsn : undefined
  return {
    mail: [
      `MAIL FROM:<${from}>`,
      ...(extensions.size === undefined ? [] : [`SIZE=${size}`]),
      ...(reports === undefined ? [] : ['RET=HDRS', `ENVID=${reports.envid}`]),
      ...(requireTls ? ['REQUIRETLS'] : []),
    ].join(' '),
    rcpt: [`RCPT TO:<${to}>`, ...(reports === undefined ? [] : ['NOTIFY=FAILURE,DELAY'])].join(' '),
  }
}
