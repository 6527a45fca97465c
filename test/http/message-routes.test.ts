import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addApplication, listApplications } from '../../src/access/index.ts'
import { checkReport, messageList, messageStatus } from '../../src/contract/index.ts'
import { type ApplicationId, systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'

let house: House
let [billing, other]: [Identity?, Identity?] = []
let application: ApplicationId
const pan = '4111 1111 1111 1111'

beforeAll(async () => {
  house = await openHouse()
  await house.addRecipient('disputes@acquirer.example')
  // Nobody listens there.
  await house.addRecipient('later@nowhere.example', 1)
  application = (await listApplications(house.owner))[0]?.id as ApplicationId
  await addApplication(house.owner, systemClock, {
    name: 'other',
    san: 'URI:urn:test:other',
    senders: ['other@payments.example'],
  })
  billing = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  other = await issueClientCertificate(house.authority, { uri: 'urn:test:other', days: 1 })
})
afterAll(() => house.close())

async function ask(method: string, path: string, body?: object, as = billing) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const options = { method, path, headers, cert: as?.certificate, key: as?.key }
  const answer = await send(house, options, body === undefined ? '' : JSON.stringify(body))
  return {
    status: answer.status,
    text: answer.text,
    body: JSON.parse(answer.text) as Record<string, unknown>,
  }
}
const message = (more: object = {}) => ({
  from: house.sender,
  to: ['disputes@acquirer.example'],
  subject: 'Refund',
  text: `Card ${pan}`,
  ...more,
})
async function accepted(more: object = {}): Promise<string> {
  const { status, body } = await ask('POST', '/v1/messages', message(more))
  expect(status).toBe(202)
  return body['id'] as string
}
const waiting = { to: ['later@nowhere.example'] }
const events = async (type: string): Promise<readonly Record<string, unknown>[]> =>
  (await house.owner('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')).map(
    body => JSON.parse(body) as Record<string, unknown>,
  )

describe('GET /v1/messages', () => {
  test('lists the application’s own messages, newest first, page by page', async () => {
    const ids = [await accepted(), await accepted({ reference: 'case-1' }), await accepted()].reverse()
    const listed: string[] = []
    let query = '?limit=2'
    for (let page = 0; page < 3 && query !== ''; page++) {
      const { status, body } = await ask('GET', `/v1/messages${query}`)
      expect(status).toBe(200)
      const { messages, next } = messageList.parse(body)
      listed.push(...messages.map(({ id }) => id))
      if (next !== undefined) expect(next).toMatch(/^[a-p]+$/)
      query = next === undefined ? '' : `?limit=2&cursor=${next}`
    }
    expect(listed.slice(0, 3)).toEqual(ids)
    expect(new Set(listed).size).toBe(listed.length)

    const { body } = await ask('GET', '/v1/messages?reference=case-1&recipient=disputes%40acquirer.example')
    expect(messageList.parse(body).messages.map(({ id }) => id)).toEqual([ids[1]])
  })

  test('another application sees none of them, nor do its cursors lead there', async () => {
    await accepted()
    const { body } = await ask('GET', '/v1/messages?limit=1')
    const { next } = messageList.parse(body)
    for (const query of [
      '',
      `?cursor=${next ?? ''}`,
      '?recipient=disputes%40acquirer.example',
      '?state=queued',
    ]) {
      const answer = await ask('GET', `/v1/messages${query}`, undefined, other)
      expect(answer).toMatchObject({ status: 200, body: { messages: [] } })
      expect(answer.body).not.toHaveProperty('next')
    }
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=1e1',
    'limit=',
    'state=sent',
    'reference=a%20b',
    'recipient=nobody',
    'since=2026-02-30T00:00:00Z',
    'since=yesterday',
    'cursor=aaaa',
    'cursor=%00',
    'limit=1&limit=2',
    'sort=id',
    '__proto__=x',
  ])('refuses ?%s', async query => {
    const { status, body, text } = await ask('GET', `/v1/messages?${query}`)
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'invalid_request' })
    expect(text).not.toMatch(/yesterday|nobody|proto/)
  })
})

describe('POST /v1/messages/{id}/cancel', () => {
  test('ends what waits, once and for all, and gives the status', async () => {
    const id = await accepted(waiting)
    const cancel = () => ask('POST', `/v1/messages/${id}/cancel`)
    const cancelled = await expect
      .poll(async () => (await cancel()).status, { timeout: 20_000 })
      .toBe(200)
      .then(cancel)
    expect(cancelled.status).toBe(200)
    const status = messageStatus.parse(cancelled.body)
    expect(status).toMatchObject({
      id,
      state: 'failed',
      deliveries: [{ state: 'failed', outcome: 'cancelled_by_application' }],
    })
    expect((await ask('GET', `/v1/messages/${id}`)).body).toEqual(cancelled.body)
    const delivery = status.deliveries[0]?.id
    expect(
      (await events('delivery.cancelled')).filter(event => event['delivery'] === delivery),
    ).toMatchObject([
      { actor: { kind: 'application', id: application }, outcome: 'cancelled_by_application' },
    ])
  })

  test('what was delivered is not cancelled', async () => {
    const id = await accepted()
    await expect
      .poll(async () => (await ask('GET', `/v1/messages/${id}`)).body['state'], { timeout: 20_000 })
      .toBe('delivered')
    expect(await ask('POST', `/v1/messages/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'nothing_to_cancel', retryable: false },
    })
  })

  test('another application’s message is not found, and waits on', async () => {
    const id = await accepted(waiting)
    expect(await ask('POST', `/v1/messages/${id}/cancel`, undefined, other)).toMatchObject({ status: 404 })
    expect((await ask('GET', `/v1/messages/${id}`)).body['state']).toBe('queued')
    expect(await ask('POST', '/v1/messages/msg_/cancel')).toMatchObject({ status: 404 })
    expect(await ask('GET', `/v1/messages/${id}/cancel`)).toMatchObject({ status: 405 })
  })
})

describe('expiresAt', () => {
  test('is kept with the message and its event, and ends its deliveries before the policy does', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const id = await accepted({ ...waiting, expiresAt })
    expect(messageStatus.parse((await ask('GET', `/v1/messages/${id}`)).body).expiresAt).toBe(expiresAt)
    const listed = messageList.parse((await ask('GET', '/v1/messages?limit=1')).body)
    expect(listed.messages[0]).toMatchObject({ id, expiresAt })
    expect((await events('message.accepted')).at(-1)).toMatchObject({ message: id, expiresAt })
    const row = await house.owner('deliveries').where({ message_id: id }).first<{ give_up_at: Date }>()
    expect(row.give_up_at.toISOString()).toBe(expiresAt)
  })

  test('does not make the policy’s time longer', async () => {
    const id = await accepted({ ...waiting, expiresAt: '2099-01-01T00:00:00+01:00' })
    const row = await house
      .owner('deliveries')
      .where({ message_id: id })
      .first<{ give_up_at: Date; accepted_at: Date }>()
    expect(row.give_up_at.getTime() - row.accepted_at.getTime()).toBeLessThanOrEqual(30 * 24 * 3_600_000)
    expect((await ask('GET', `/v1/messages/${id}`)).body['expiresAt']).toBe('2098-12-31T23:00:00.000Z')
  })

  test('in the past is refused', async () => {
    const answer = await ask('POST', '/v1/messages', message({ expiresAt: '2020-01-01T00:00:00Z' }))
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_message', errors: [{ pointer: '/expiresAt', code: 'past' }] },
    })
  })
})

describe('POST /v1/messages/check', () => {
  const check = async (body: object, as = billing) => {
    const answer = await ask('POST', '/v1/messages/check', body, as)
    expect(answer.text).not.toMatch(/4111|1111/)
    return { ...answer, report: answer.status === 200 ? checkReport.parse(answer.body) : undefined }
  }
  const stored = () => house.owner('messages').count('* as count')

  test('says how a message would go, stores nothing, and is on record', async () => {
    const before = await stored()
    const { report } = await check(message())
    expect(report).toMatchObject({
      accepted: true,
      problems: [],
      recipients: [
        {
          address: 'disputes@acquirer.example',
          policy: expect.any(String) as string,
          format: expect.stringMatching(/^seipdv[12]$/) as string,
          encryptionKey: expect.stringMatching(/^[0-9A-F]{40,64}$/) as string,
          destination: 'pinned',
        },
      ],
      cards: { count: 1, brands: ['visa'] },
    })
    expect(await stored()).toEqual(before)
    expect((await events('message.checked')).at(-1)).toMatchObject({
      actor: { kind: 'application', id: application },
      accepted: true,
      problems: [],
      cards: { count: 1, brands: ['visa'] },
    })
  })

  test('needs no content', async () => {
    const { report } = await check(message({ text: undefined }))
    expect(report).toMatchObject({ accepted: true, problems: [], cards: { count: 0, brands: [] } })
  })

  test('tells everything that is wrong at once, each with what to do', async () => {
    const { report } = await check({
      ...message({ from: 'ceo@payments.example', replyTo: 'cfo@payments.example' }),
      to: ['disputes@acquirer.example', 'stranger@acquirer.example'],
      expiresAt: '2020-01-01T00:00:00Z',
    })
    expect(report?.accepted).toBe(false)
    expect(report?.problems.map(({ code, pointer }) => `${code} ${pointer ?? ''}`)).toEqual([
      'invalid_message /expiresAt',
      'sender_not_allowed /from',
      'sender_not_allowed /replyTo',
      'recipients_refused /to',
    ])
    expect(report?.recipients).toMatchObject([
      { address: 'disputes@acquirer.example', destination: 'pinned' },
      {
        address: 'stranger@acquirer.example',
        code: 'recipient_unknown',
        remedy: expect.any(String) as string,
      },
    ])
    expect((await events('message.checked')).at(-1)).toMatchObject({ accepted: false, unknownRecipients: 1 })
  })

  test('finds what must never be sent, and repeats none of it', async () => {
    const { report } = await check(message({ text: `${pan} CVV: 123` }))
    expect(report).toMatchObject({ accepted: false, problems: [{ code: 'sad_detected', pointer: '/text' }] })
    expect((await events('message.checked')).at(-1)).toMatchObject({ problems: ['sad_detected'] })
    const misplaced = await check(message({ subject: pan }))
    expect(misplaced.report).toMatchObject({
      problems: [{ code: 'pan_not_allowed_here', pointer: '/subject' }],
    })
  })

  test('knows what the application may send; of content that is not there it says nothing', async () => {
    await house.owner('applications').where({ id: application }).update({ cards: 'required' })
    try {
      expect((await check(message({ text: 'no card' }))).report).toMatchObject({
        problems: [{ code: 'cards_required' }],
      })
      expect((await check(message({ text: undefined }))).report).toMatchObject({ accepted: true })
    } finally {
      await house.owner('applications').where({ id: application }).update({ cards: 'allowed' })
    }
  })

  test('without a policy in force nothing would be accepted', async () => {
    const policies = await house.owner('policy_records').select<{ id: string; effective_at: Date }[]>()
    await house.owner('policy_records').update({ effective_at: new Date(Date.now() + 3_600_000) })
    const { report } = await check(message())
    for (const { id, effective_at } of policies)
      await house.owner('policy_records').where({ id }).update({ effective_at })
    expect(report).toMatchObject({ accepted: false, problems: [{ code: 'sending_not_approved' }] })
  })

  test('a body that is no message is refused, as it would be', async () => {
    expect(await check({ ...message(), to: [] })).toMatchObject({
      status: 400,
      body: { code: 'invalid_message' },
    })
    expect(await ask('GET', '/v1/messages/check')).toMatchObject({ status: 405 })
  })

  test('when it cannot be recorded, nothing is told', async () => {
    await house.owner.raw(
      `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'message.checked') NOT VALID`,
    )
    const answer = await ask('POST', '/v1/messages/check', message())
    await house.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
    expect(answer).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } })
  })
})
