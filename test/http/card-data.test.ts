import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CardRule, changeApplication, listApplications, ordinaryCards } from '../../src/access/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'

let house: House
let recipient: Correspondent
let application: string
let san: string

beforeAll(async () => {
  house = await openHouse()
  recipient = await house.addRecipient('disputes@acquirer.example')
  const [registered] = await listApplications(house.owner)
  application = registered?.name ?? ''
  san = registered?.san ?? ''
})
afterAll(() => house.close())

const pan = '4111 1111 1111 1111'
const other = '5555 5555 5555 4444'
const post = (content: object) =>
  house.client.post({
    from: 'settlement@payments.example',
    to: [recipient.address],
    subject: 'Refund',
    ...content,
  })
const rule = (changed: Partial<CardRule>) =>
  changeApplication(house.owner, systemClock, application, { ...ordinaryCards, ...changed })
const encrypted = {
  filename: 'cards.pdf',
  contentType: 'application/pdf',
  content: Buffer.from('%PDF-1.7\ntrailer << /Encrypt 5 0 R >>\n').toString('base64'),
}

describe('sensitive authentication data is accepted nowhere', () => {
  test.each<[string, object, string, string]>([
    ['a code in the text', { text: `${pan} CVV 123` }, '/text', 'card_verification_code'],
    [
      'a track in HTML',
      { html: '<p>%B4111111111111111^DOE/JANE^29121010000000000?</p>' },
      '/html',
      'track_1',
    ],
    [
      'a code in a column of an attachment',
      {
        text: 'x',
        attachments: [
          {
            filename: 'a.csv',
            contentType: 'text/csv',
            content: Buffer.from('card;cvv\n4111111111111111;123\n').toString('base64'),
          },
        ],
      },
      '/attachments/0/content',
      'card_verification_code',
    ],
    ['a PIN as subject', { subject: 'PIN: 1234', text: 'x' }, '/subject', 'pin'],
  ])('%s', async (_name, content, pointer, code) => {
    const before = await house.owner('messages').count()
    const { status, body } = await post(content)
    expect({ status, body }).toMatchObject({
      status: 422,
      body: { code: 'sad_detected', errors: [{ pointer, code }], retryable: false },
    })
    expect(JSON.stringify(body)).not.toMatch(/4111|123(?!\d)/)
    expect(await house.owner('messages').count()).toEqual(before)
    const last = await house.owner('audit_events').orderBy('seq', 'desc').first<{ body: string }>('body')
    expect(JSON.parse(last.body)).toMatchObject({ type: 'request.refused', code: 'sad_detected' })
  })
})

describe('a card number outside the content is refused', () => {
  test.each<[string, object, string]>([
    ['as subject', { subject: pan, text: 'x' }, '/subject'],
    [
      'as a filename',
      {
        text: 'x',
        attachments: [{ filename: '4111111111111111.txt', contentType: 'text/plain', content: 'eA==' }],
      },
      '/attachments/0/filename',
    ],
    ['as a recipient', { to: ['4111111111111111@acquirer.example'], text: 'x' }, '/to/0'],
  ])('%s', async (_name, content, pointer) => {
    expect(await post(content)).toMatchObject({
      status: 422,
      body: { code: 'pan_not_allowed_here', errors: [{ pointer }] },
    })
  })

  test('in the path, in the query and in a header of a request', async () => {
    const client = await issueClientCertificate(house.authority, { uri: san.replace('URI:', ''), days: 1 })
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const { status, text } = await send(house, { path, headers, cert: client.certificate, key: client.key })
      return { status, body: JSON.parse(text) as unknown }
    }
    const answers = [
      await get('/v1/messages/4111111111111111'),
      await get('/v1/messages/msg_x?card=4111%201111%201111%201111'),
      await get('/v1/messages/msg_x', { 'X-Request-Id': '4111111111111111' }),
    ]
    for (const { status, body } of answers) {
      expect({ status, body }).toMatchObject({ status: 422, body: { code: 'pan_not_allowed_here' } })
      expect(JSON.stringify(body)).not.toContain('4111')
    }
  })
})

describe('what an application may send is a rule of its own, from the next message on', () => {
  test('card numbers forbidden, required, at most so many', async () => {
    await rule({ cards: 'forbidden' })
    expect(await post({ text: pan })).toMatchObject({ status: 422, body: { code: 'cards_not_allowed' } })
    expect(await post({ text: 'card 4111 11** **** 1111' })).toMatchObject({ status: 202 })
    await rule({ cards: 'required', maxCards: 1 })
    expect(await post({ text: 'none' })).toMatchObject({ status: 422, body: { code: 'cards_required' } })
    expect(await post({ text: `${pan}, again ${pan}` })).toMatchObject({ status: 202 })
    expect(await post({ text: `${pan}, ${other}` })).toMatchObject({
      status: 422,
      body: { code: 'too_many_cards' },
    })
    await rule({})
    expect(await post({ text: `${pan}, ${other}` })).toMatchObject({ status: 202 })
  })

  test('what cannot be looked into is refused, unless it may send that', async () => {
    await rule({})
    expect(await post({ text: 'x', attachments: [encrypted] })).toMatchObject({
      status: 422,
      body: { code: 'content_unreadable', errors: [{ pointer: '/attachments/0/content' }] },
    })
    await rule({ unreadable: true })
    expect(await post({ text: 'x', attachments: [encrypted] })).toMatchObject({ status: 202 })
    await rule({})
  })

  test('numbers and brands are in the event, digits are not', async () => {
    const { body } = await post({ text: `${pan}, ${other}, ${pan}` })
    const { id } = body as { id: string }
    const events = await house
      .owner('audit_events')
      .where({ type: 'message.accepted' })
      .pluck<string[]>('body')
    const event = events.find(each => each.includes(id)) ?? ''
    expect(JSON.parse(event)).toMatchObject({ cards: { count: 2, brands: ['mastercard', 'visa'] } })
    expect(event).not.toMatch(/4111|5555/)
  })
})
