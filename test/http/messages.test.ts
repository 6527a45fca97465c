import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let recipient: Correspondent

beforeAll(async () => {
  house = await openHouse()
  recipient = await house.addRecipient('disputes@acquirer.example')
})
afterAll(() => house.close())

const message = (to: readonly string[]) => ({
  from: 'settlement@payments.example',
  to,
  subject: 'Refund',
  text: 'Card 4111 1111 1111 1111',
})

describe('POST /v1/messages', () => {
  test('a message is accepted, delivered, and reads as it was sent', async () => {
    const before = house.inbox.length
    const answer = await house.client.post({ ...message([recipient.address]), reference: 'order-1147' })
    expect(answer).toEqual({
      status: 202,
      body: {
        id: expect.stringMatching(/^msg_/) as string,
        deliveries: [{ id: expect.stringMatching(/^dlv_/) as string, recipient: recipient.address }],
      },
    })
    const mail = (await house.received(before + 1)).at(-1)
    expect(mail?.to).toEqual([recipient.address])
    expect(mail?.bytes.toString()).not.toContain('Refund')
    expect(await house.read(recipient, mail)).toMatchObject({
      subject: 'Refund',
      text: expect.stringContaining('Card 4111 1111 1111 1111') as string,
    })
  })

  test('one unknown recipient refuses the whole message, and nothing is stored', async () => {
    const count = () => house.owner('messages').count<{ count: string }[]>('* as count')
    const before = await count()
    const answer = await house.client.post(message([recipient.address, 'stranger@acquirer.example']))
    expect(answer).toMatchObject({
      status: 422,
      body: {
        code: 'recipients_refused',
        retryable: false,
        recipients: [{ address: 'stranger@acquirer.example', code: 'recipient_unknown' }],
      },
    })
    expect(await count()).toEqual(before)
  })

  test('a recipient whose domain has no destination is refused', async () => {
    const homeless = await house.addRecipient('someone@nowhere.example')
    await house.owner('destinations').where({ domain: 'nowhere.example' }).delete()
    const answer = await house.client.post(message([homeless.address]))
    expect(answer).toMatchObject({ status: 422, body: { recipients: [{ code: 'destination_missing' }] } })
  })

  test('a sender that is not the application’s own is refused', async () => {
    const answer = await house.client.post({ ...message([recipient.address]), from: 'ceo@payments.example' })
    expect(answer).toMatchObject({ status: 403, body: { code: 'sender_not_allowed' } })
  })

  test('when the audit event cannot be written, the message is not accepted', async () => {
    await house.owner.raw(`
      CREATE FUNCTION refuse_accepted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
      CREATE TRIGGER refuse_accepted BEFORE INSERT ON audit_events FOR EACH ROW
        WHEN (NEW.type = 'message.accepted') EXECUTE FUNCTION refuse_accepted();`)
    const answer = await house.client.post(message([recipient.address]))
    await house.owner.raw('DROP TRIGGER refuse_accepted ON audit_events')
    expect(answer.status).toBe(503)
    // The replica takes nothing until its log can be written again; it looks each second.
    await expect
      .poll(async () => (await house.client.post(message([recipient.address]))).status, { timeout: 20_000 })
      .toBe(202)
    const orphans = await house.owner.raw<{ rows: unknown[] }>(
      `SELECT 1 FROM messages WHERE id NOT IN (SELECT body::jsonb ->> 'message' FROM audit_events WHERE type = 'message.accepted')`,
    )
    expect(orphans.rows).toEqual([])
  })
})

describe('GET /v1/messages/{id}', () => {
  test('tells the state of each delivery, with how its TLS was verified', async () => {
    const before = house.inbox.length
    const { body } = await house.client.post(message([recipient.address]))
    const { id } = body as { id: string }
    await house.received(before + 1)
    await expect
      .poll(async () => (await house.client.get(`/v1/messages/${id}`)).body)
      .toMatchObject({
        id,
        state: 'delivered',
        from: house.sender,
        deliveries: [
          {
            recipient: recipient.address,
            state: 'delivered',
            attempts: [
              { outcome: 'delivered', host: 'localhost', tls: { version: 'TLSv1.3', rule: 'pinned' } },
            ],
          },
        ],
      })
  })

  test('another application cannot see the message', async () => {
    const { body } = await house.client.post(message([recipient.address]))
    await addApplication(house.owner, systemClock, {
      name: 'other',
      san: 'URI:urn:test:other',
      senders: ['@x.example'],
    })
    const other = await house.clientNamed('urn:test:other')
    const answer = await other.get(`/v1/messages/${(body as { id: string }).id}`)
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test.each(['msg_', 'msg_0000000000000000000000000', '%00', '411111111111111'])(
    '%s is not found',
    async id => {
      expect((await house.client.get(`/v1/messages/${id}`)).status).toBe(404)
    },
  )
})
