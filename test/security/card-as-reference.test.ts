import { expect, test } from 'vitest'
import { scrubPans } from '../../src/kernel/index.ts'
import { MessageRefused, parseMessage } from '../../src/sealer/inside/parse-message.ts'

const parse = (reference: string) =>
  parseMessage(
    Buffer.from(
      JSON.stringify({ from: 'a@pay.test', to: ['b@bank.test'], subject: 's', text: 't', reference }),
    ),
  )

test.each([
  '4012888888881881',
  '4012-8888-8888-1881',
  '4012.8888.8888.1881',
  'pay:4012888888881881',
  '378282246310005_1',
])('a reference is stored in clear, so a card number is refused: %s', reference => {
  expect(() => parse(reference)).toThrow(MessageRefused)
  try {
    parse(reference)
  } catch (error) {
    expect((error as MessageRefused).refusal).toEqual({
      code: 'invalid_message',
      errors: [{ pointer: '/reference', code: 'card_number' }],
    })
  }
})

test('a UUID is taken, also when its digits pass for a card number', () => {
  const uuids = Array.from(
    { length: 100 },
    (_, i) => `550e8400-e29b-41d4-a716-4466554400${String(i).padStart(2, '0')}`,
  )
  expect(uuids.filter(uuid => scrubPans(uuid) !== uuid).length).toBeGreaterThan(5)
  for (const uuid of uuids) expect(parse(uuid).metadata.reference).toBe(uuid)
})
