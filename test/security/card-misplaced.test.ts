import { expect, test } from 'vitest'
import { scrubPans } from '../../src/kernel/index.ts'
import { parseMessage } from '../../src/sealer/inside/body/parse-message.ts'
import { MessageRefused } from '../../src/sealer/inside/body/refused.ts'
import { guardCardData } from '../../src/sealer/inside/card-guard.ts'

const good = { from: 'a@pay.test', to: ['b@bank.test'], subject: 's', text: 't' }
const guard = (message: object) => guardCardData(parseMessage(Buffer.from(JSON.stringify(message))))

async function refusalOf(message: object): Promise<MessageRefused['refusal']> {
  try {
    await guard(message)
  } catch (error) {
    if (error instanceof MessageRefused) return error.refusal
    throw error
  }
  throw new Error('it was taken')
}

test.each([
  '4012888888881881',
  '4012-8888-8888-1881',
  '4012.8888.8888.1881',
  'pay:4012888888881881',
  '378282246310005_1',
])('a reference is stored in clear, so a card number is refused: %s', async reference => {
  expect(await refusalOf({ ...good, reference })).toEqual({
    code: 'pan_not_allowed_here',
    errors: [{ pointer: '/reference', code: 'card_number' }],
  })
})

test('a card number is refused wherever others than the recipient see it, all places at once', async () => {
  const pan = '4012888888881881'
  const content = Buffer.from('x').toString('base64')
  const message = {
    from: `${pan}@pay.test`,
    replyTo: `x.${pan}@pay.test`,
    to: ['b@bank.test', `card-${pan}@bank.test`],
    subject: 'Card 4012 8888 8888 1881',
    attachments: [{ filename: `${pan}.csv`, contentType: 'text/csv', content }],
  }
  const { code, errors } = await refusalOf(message)
  expect(code).toBe('pan_not_allowed_here')
  expect(errors.map(({ pointer }) => pointer)).toEqual([
    '/from',
    '/to/1',
    '/subject',
    '/replyTo',
    '/attachments/0/filename',
  ])
  expect(JSON.stringify(errors)).not.toContain('4012')
})

test('a UUID is taken, also when its digits pass for a card number', async () => {
  const uuids = Array.from(
    { length: 100 },
    (_, i) => `550e8400-e29b-41d4-a716-4466554400${String(i).padStart(2, '0')}`,
  )
  expect(uuids.filter(uuid => scrubPans(uuid) !== uuid).length).toBeGreaterThan(5)
  for (const uuid of uuids) expect(await guard({ ...good, reference: uuid })).toMatchObject({ count: 0 })
})
