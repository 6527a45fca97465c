import { expectTypeOf, test } from 'vitest'
import type { Ciphertext } from '../../src/kernel/index.ts'
import type { Notice, NoticeKind, NoticeMail } from '../../src/notices/index.ts'

declare const bytes: Uint8Array
declare const ciphertext: Ciphertext
declare const mail: NoticeMail
declare function sendNotice(mail: NoticeMail): void
declare function deliver(content: Ciphertext): void

test('only the renderer makes a notice, and a notice is never a delivery', () => {
  // @ts-expect-error -- bytes are no notice
  sendNotice(bytes)
  // @ts-expect-error -- nor is ciphertext
  sendNotice(ciphertext)
  // @ts-expect-error -- a part of one is none
  sendNotice(mail.subarray(1))
  // @ts-expect-error -- and a notice is not ciphertext
  deliver(mail)
  sendNotice(mail)
})

test('a notice has no field for text', () => {
  type Fields = Extract<Notice, { kind: 'activated' }>['fields']
  const fields: Fields = { fingerprint: '', stopToken: '' }
  // @ts-expect-error -- no text
  const more: Fields = { fingerprint: '', stopToken: '', text: '' }
  // @ts-expect-error -- no kind of one's own
  const kind: NoticeKind = 'newsletter'
  // @ts-expect-error -- a challenge is never sent in clear
  const challenge: Notice['kind'] = 'possession'
  expectTypeOf([fields, more, kind, challenge]).toBeArray()
})
