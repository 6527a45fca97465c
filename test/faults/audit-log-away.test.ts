import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Correspondent } from '../../src/demo/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { queueNotice } from '../../src/notices/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { examples, noticeSender } from '../support/notices.ts'
import { send } from '../support/request.ts'
import { openDeliveries } from './load.ts'

let house: House
let to: Correspondent
beforeAll(async () => {
  house = await openHouse()
  to = await house.addRecipient('a@bank.test')
})
afterEach(() => house.owner.raw('GRANT INSERT ON audit_events TO sealpost_gateway'))
afterAll(() => house.close())

const post = (address: string = to.address) =>
  house.client.post({
    from: house.sender,
    to: [address],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
  })

interface Readiness {
  readonly status: string
  readonly checks: Readonly<Record<string, boolean>>
  readonly alarms: readonly { readonly code: string; readonly since: string }[]
}

async function ready(): Promise<Readiness & { readonly http: number }> {
  const answer = await send({ ...house, port: house.gateway.opsPort }, { path: '/readyz' })
  return { http: answer.status, ...(JSON.parse(answer.text) as Readiness) }
}

const alarmEvents = () =>
  house.owner('audit_events').where('type', 'like', 'alarm.%').orderBy('seq').pluck<string[]>('body')

test('the gateway may not write the audit log: nothing is taken, nothing sent, no effect; it goes on by itself, nothing lost, nothing twice', async () => {
  expect(await ready()).toMatchObject({ http: 200, alarms: [] })
  // One message waits for a server that was away when it was tried.
  const waiting = await house.addRecipient('waits@away.test', 1)
  expect((await post(waiting.address)).status).toBe(202)
  await eventually(
    'the deferral',
    async () => (await house.owner('attempts').where('outcome', '<>', 'delivered')).length === 1,
  )
  await house.route('away.test')
  const { id: operator } = await house.signedIn('ada', 'auditor')
  const mails = house.inbox.length

  await house.owner.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
  const refused = await post()
  expect(refused).toMatchObject({ status: 503, body: { code: 'audit_unavailable', retryable: true } })
  const unready = await ready()
  expect(unready).toMatchObject({
    http: 503,
    status: 'not ready',
    checks: { audit: false, database: true, sealer: true },
    alarms: [{ code: 'audit_append_failed' }],
  })
  // Now both kinds of mail are due; the couriers ask for work ten times a second, and every second.
  await house.owner.raw(`UPDATE pgboss.job SET start_after = now() WHERE state < 'active'`)
  await house.owner.transaction(trx =>
    queueNotice(trx, systemClock, noticeSender, {
      kind: 'change_waiting',
      to: { operator, address: to.address },
      fields: examples.change_waiting,
    }),
  )
  await new Promise(resolve => setTimeout(resolve, 1500))
  expect(house.inbox).toHaveLength(mails)
  expect(await openDeliveries(house.owner)).toBe(1)
  expect(await house.owner('attempts').where('outcome', 'delivered')).toEqual([])
  expect(await house.owner('messages')).toHaveLength(1)
  expect((await post()).status).toBe(503)
  expect(await brokenInvariants(house.owner)).toEqual([])
  expect(await alarmEvents()).toEqual([])
  expect(house.log()).toMatch(/"level":"error".*"code":"audit_append_failed".*"alarm-raised"/)

  await house.owner.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await eventually('readiness', async () => (await ready()).http === 200)
  expect((await ready()).alarms).toEqual([])
  await house.received(mails + 2)
  expect((await post()).status).toBe(202)
  await house.received(mails + 3)
  await eventually('the records', async () => (await openDeliveries(house.owner)) === 0)
  await eventually('the alarm in the log', async () => (await alarmEvents()).length === 2)
  expect((await alarmEvents()).map(body => JSON.parse(body) as object)).toMatchObject([
    { type: 'alarm.raised', alarm: 'audit_append_failed' },
    { type: 'alarm.cleared', alarm: 'audit_append_failed' },
  ])
  expect(house.inbox).toHaveLength(mails + 3)
  expect(await brokenInvariants(house.owner)).toEqual([])
})

test('what operators do has no effect either while the log cannot be written', async () => {
  const browser = await house.signedIn('bob', 'admin')
  const counts = async (): Promise<unknown> => {
    const { rows } = await house.owner.raw<{ rows: unknown[] }>(
      `SELECT (SELECT count(*) FROM recipients), (SELECT count(*) FROM notices), (SELECT count(*) FROM audit_events),
              (SELECT count(*) FROM recipient_links), (SELECT count(*) FROM operator_sessions WHERE ended_at IS NULL)`,
    )
    return rows
  }
  const before = await counts()
  await house.owner.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
  const invited = await browser.submit('/recipients', {
    address: 'new@bank.test',
    kind: 'supplier',
    organisation: 'Bank',
  })
  expect(invited.status).toBe(503)
  expect(invited.text).toContain('audit_unavailable')
  expect((await browser.submit('/sign-out')).status).toBe(503)
  expect(await counts()).toEqual(before)
  await house.owner.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await eventually('readiness', async () => (await ready()).http === 200)
  expect((await browser.submit('/sign-out')).status).toBe(200)
})
