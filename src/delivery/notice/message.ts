import { type ClaimedNotice, mailOf, type NoticeMail, outerHeadersOf } from '../../notices/index.ts'
import type { Admit } from '../courier/attempt.ts'
import { type WireMessage, wireMessage } from '../wire-message.ts'

/**
 * What goes over the wire for a notice: the mail of its fixed template, or, for a possession challenge, the ciphertext
 * after it passed the outbound gate again. Throws when the gate refuses, or the notice is none of ours.
 */
export function noticeMessage(claimed: ClaimedNotice, admit: Admit): WireMessage {
  if (claimed.ciphertext === null) return wireNotice(mailOf(claimed))
  const { format, encryptionSubkey } = claimed
  return wireMessage(outerHeadersOf(claimed), admit(claimed.ciphertext, { encryptionSubkey, format }), format)
}

function wireNotice(mail: NoticeMail): WireMessage {
  return { size: mail.length, chunks: () => [Buffer.from(mail.buffer, mail.byteOffset, mail.length)] }
}
