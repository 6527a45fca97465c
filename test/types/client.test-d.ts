import { expectTypeOf, test } from 'vitest'
import type * as client from '../../src/client/index.ts'
import type * as contract from '../../src/contract/index.ts'

declare const sealpost: client.SealpostClient
const message = { from: 'a@payments.example', to: ['b@acquirer.example'], subject: 'Refund' }

test('the client has the types of the contract', () => {
  expectTypeOf<client.AcceptedMessage>().toEqualTypeOf<contract.AcceptedMessage>()
  expectTypeOf<client.CheckReport>().toEqualTypeOf<contract.CheckReport>()
  expectTypeOf<client.MessageList>().toEqualTypeOf<contract.MessageList>()
  expectTypeOf<client.MessageStatus>().toEqualTypeOf<contract.MessageStatus>()
  expectTypeOf<client.Problem>().toEqualTypeOf<contract.Problem>()
  expectTypeOf<client.ProblemCode>().toEqualTypeOf<contract.ProblemCode>()
  expectTypeOf<client.SubmitMessage>().toEqualTypeOf<contract.SubmitMessage>()
  expectTypeOf<client.WebhookPayload>().toEqualTypeOf<contract.WebhookPayload>()
  expectTypeOf<contract.SubmitMessage>().toExtend<client.OutgoingMessage>()
})

test('what the gateway would refuse is seen where it is written', () => {
  // @ts-expect-error a card number is text: as a number it would lose digits
  void sealpost.send({ ...message, text: 4111111111111111 })
  // @ts-expect-error not a field of a message
  void sealpost.send({ ...message, cc: ['c@acquirer.example'] })
  // @ts-expect-error content is base64, octets, a Blob or a stream
  void sealpost.send({ ...message, attachments: [{ filename: 'a', contentType: 'a/b', content: 1 }] })
  // @ts-expect-error not a state
  void sealpost.list({ state: 'lost' })
})
