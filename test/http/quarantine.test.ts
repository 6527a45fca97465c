import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeliveryId, OperatorId } from '../../src/kernel/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import type { Answer, BrowserClient } from '../support/browser-client.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let admin: BrowserClient & { readonly id: OperatorId }
let approver: BrowserClient
let auditor: BrowserClient
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  await house.addRecipient('disputes@acquirer.example')
  admin = await house.signedIn('anna', 'admin')
  approver = await house.signedIn('bert', 'approver')
  auditor = await house.signedIn('carl', 'auditor')
})
afterAll(() => house.close())

const json = ({ text }: Answer) => JSON.parse(text) as Record<string, unknown>
const row = (id: DeliveryId): Promise<Record<string, unknown>> =>
  house.owner('deliveries').where({ id }).first<Record<string, unknown>>()
const quarantined = async (): Promise<{ message: string; delivery: DeliveryId }> => {
  const { status, body } = await house.client.post({
    from: house.sender,
    to: ['disputes@acquirer.example'],
    subject: 'Refund',
    text: 'Card',
  })
  expect(status).toBe(202)
  const { id, deliveries } = body as { id: string; deliveries: readonly [{ id: DeliveryId }] }
  const delivery = deliveries[0].id
  const changes = { state: 'quarantined', outcome: 'protocol_violation', attempts: 5, strikes: 5 }
  await house
    .owner('deliveries')
    .where({ id: delivery })
    .update({ ...changes, quarantined_at: new Date() })
  await house.owner('pgboss.job_common').whereRaw(`data ->> 'delivery' = ?`, [delivery]).delete()
  return { message: id, delivery }
}
const lastEvent = async () => {
  const [body = ''] = await house
    .owner('audit_events')
    .whereNot({ type: 'ciphertext.purged' })
    .orderBy('seq', 'desc')
    .limit(1)
    .pluck<string[]>('body')
  return JSON.parse(body) as Record<string, unknown>
}

test('it is listed for everybody who is signed in, page by page, and shown to its application', async () => {
  const [first, second] = [await quarantined(), await quarantined()]
  const answer = json(await auditor.call('GET', '/v1/quarantine?limit=1'))
  expect(answer).toMatchObject({
    deliveries: [
      {
        id: first.delivery,
        message: first.message,
        recipient: 'disputes@acquirer.example',
        outcome: 'protocol_violation',
        attempts: 5,
      },
    ],
    next: first.delivery,
  })
  const rest = json(await auditor.call('GET', `/v1/quarantine?limit=50&after=${first.delivery}`))
  expect(rest).toMatchObject({ deliveries: [{ id: second.delivery }], next: null })
  const { body } = await house.client.get(`/v1/messages/${first.message}`)
  expect(body).toMatchObject({ state: 'queued', deliveries: [{ state: 'quarantined' }] })

  expect((await auditor.get('/')).text).toContain('Deliveries are in quarantine')
  const page = await auditor.get('/quarantine')
  expect(page.text).toContain(first.delivery)
  expect(page.text).not.toContain('Cancel it')
  expect((await admin.get('/quarantine')).text).toContain('Cancel it')
})

describe('an admin', () => {
  test('releases one: it is queued, with a job, by this operator', async () => {
    const { delivery } = await quarantined()
    const answer = await admin.call('POST', `/v1/quarantine/${delivery}/release`, {})
    expect(answer.status).toBe(200)
    expect(json(answer)).toEqual({ id: delivery, state: 'queued' })
    expect(await row(delivery)).toMatchObject({ state: 'queued', released_by: admin.id, strikes: 0 })
    const jobs: unknown[] = await house
      .owner('pgboss.job_common')
      .whereRaw(`data ->> 'delivery' = ?`, [delivery])
    expect(jobs).toHaveLength(1)
    expect(await lastEvent()).toMatchObject({
      type: 'delivery.released',
      delivery,
      actor: { kind: 'operator', id: admin.id },
    })
    const again = await admin.call('POST', `/v1/quarantine/${delivery}/release`, {})
    expect([again.status, json(again)['code']]).toEqual([409, 'state_conflict'])
  })

  test('cancels one, by the page', async () => {
    const { delivery } = await quarantined()
    const answer = await admin.submit(`/quarantine/${delivery}/cancel`)
    expect([answer.status, answer.headers.location]).toEqual([303, '/quarantine'])
    expect(await row(delivery)).toMatchObject({ state: 'failed', outcome: 'cancelled', ciphertext: null })
    expect(await lastEvent()).toMatchObject({ type: 'delivery.cancelled', delivery })
  })
})

describe.each(['release', 'cancel'])('to %s one', decision => {
  test.each([
    ['an approver', () => approver],
    ['an auditor', () => auditor],
  ])('is refused to %s, and that is audited', async (_, who) => {
    const { delivery } = await quarantined()
    const answer = await who().call('POST', `/v1/quarantine/${delivery}/${decision}`, {})
    expect([answer.status, json(answer)['code']]).toEqual([403, 'role_missing'])
    expect(await lastEvent()).toMatchObject({ type: 'request.refused', code: 'role_missing' })
    expect((await who().submit(`/quarantine/${delivery}/${decision}`)).status).toBe(403)
    expect(await row(delivery)).toMatchObject({ state: 'quarantined' })
  })

  test('is refused to another site, and to nobody in particular', async () => {
    const { delivery } = await quarantined()
    const path = `/quarantine/${delivery}/${decision}`
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    expect((await admin.submit(path, {}, foreign)).status).toBe(403)
    expect((await house.browser('console').submit(path)).status).toBe(401)
    expect(await row(delivery)).toMatchObject({ state: 'quarantined' })
  })

  test('takes one that is there', async () => {
    for (const id of [newId('dlv', systemClock), 'dlv_x', '%00']) {
      expect((await admin.call('POST', `/v1/quarantine/${id}/${decision}`, {})).status).toBe(404)
    }
  })
})
