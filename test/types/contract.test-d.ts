import { expectTypeOf, test } from 'vitest'
import type * as contract from '../../src/contract/index.ts'
import type { MessageStatus } from '../../src/intake/index.ts'
import type { RecipientCode } from '../../src/kernel/index.ts'

/** As JSON has it: a point in time is a text. */
type Sent<Value> = Value extends Date
  ? string
  : Value extends object
    ? { readonly [Name in keyof Value]: Sent<Value[Name]> }
    : Value

test('the contract has the words of the house, all of them and no others', () => {
  expectTypeOf<contract.RecipientProblemCode>().toEqualTypeOf<RecipientCode>()
  expectTypeOf<contract.MessageState>().toEqualTypeOf<MessageStatus['state']>()
  expectTypeOf<contract.DeliveryState>().toEqualTypeOf<MessageStatus['deliveries'][number]['state']>()
})

test('what the house knows of an attempt is what the contract tells', () => {
  type Attempt = Sent<MessageStatus['deliveries'][number]['attempts'][number]>
  expectTypeOf<Attempt>().toExtend<contract.Attempt>()
  expectTypeOf<keyof Required<contract.Attempt>>().toEqualTypeOf<keyof Required<Attempt>>()
  expectTypeOf<keyof contract.TlsVerdict>().toEqualTypeOf<keyof NonNullable<Attempt['tls']>>()
})

test('a message does not fit with a field that does not exist, nor an answer that is changed', () => {
  const message: contract.SubmitMessage = {
    from: 'a@b.example',
    to: ['c@d.example'],
    subject: 's',
    // @ts-expect-error: there is no such field
    cc: ['e@f.example'],
  }
  // @ts-expect-error: what was said stays as it was
  message.subject = 't'
})
