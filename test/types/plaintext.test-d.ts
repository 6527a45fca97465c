import { expectTypeOf, test } from 'vitest'
import type { Ciphertext, Plaintext } from '../../src/kernel/index.ts'
import type { FromSealer, MessageMetadata, SealRefusal } from '../../src/sealer/protocol.ts'

declare const plaintext: Plaintext
declare const ciphertext: Ciphertext
declare const bytes: Uint8Array
declare function print(text: string): void
declare function store(content: Uint8Array): void
declare function deliver(content: Ciphertext): void

test('plaintext flows nowhere that text or bytes flow', () => {
  // @ts-expect-error -- not a string
  print(plaintext)
  // @ts-expect-error -- not bytes
  store(plaintext)
  // @ts-expect-error -- not ciphertext
  deliver(plaintext)
  // @ts-expect-error -- not part of a buffer
  Buffer.from(plaintext)
  // It has no content to get at.
  expectTypeOf<keyof Plaintext>().toEqualTypeOf<'toString' | 'toJSON'>()
})

test('only the gate makes ciphertext', () => {
  // @ts-expect-error -- bytes are not ciphertext
  deliver(bytes)
  // @ts-expect-error -- a part of a ciphertext is none
  deliver(ciphertext.subarray(1))
  // @ts-expect-error -- a copy must pass the gate again
  deliver(new Uint8Array(ciphertext))
  // @ts-expect-error -- a buffer of it as well
  deliver(Buffer.from(ciphertext))
  deliver(ciphertext)
  store(ciphertext)
})

test('a sealer has no words for content', () => {
  const failed: FromSealer = { type: 'failed', job: 1 }
  // @ts-expect-error -- no detail
  const detailed: FromSealer = { type: 'failed', job: 1, detail: 'text' }
  const metadata: Omit<MessageMetadata, 'from'> = {
    to: [],
    reference: undefined,
    replyTo: undefined,
    expiresAt: undefined,
  }
  // @ts-expect-error -- no subject
  const subject: Omit<MessageMetadata, 'from'> = { ...metadata, subject: 'text' }
  const error: SealRefusal['errors'][number] = { pointer: '', code: 'required' }
  // @ts-expect-error -- no value beside pointer and code
  const quoting: SealRefusal['errors'][number] = { pointer: '', code: 'required', value: '' }
  expectTypeOf([failed, detailed, metadata, subject, error, quoting]).toBeArray()
})
