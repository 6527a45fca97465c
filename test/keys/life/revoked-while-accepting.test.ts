import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from '../../support/house.ts'
import { closeGate, eventually } from '../../support/locks.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

test('revoked between the choice of the key and the commit: accepted, then refused before MAIL FROM, and the application sees it', async () => {
  const { address } = await house.addRecipient('clara@bank.test')
  const [fingerprint = ''] = await house.owner('certificates').pluck<string[]>('fingerprint')
  const admin = await house.signedIn('anna', 'admin')

  const gate = await closeGate(house.owner, house.database.superuser, 'messages')
  const posting = house.client.post({ from: house.sender, to: [address], subject: 'Refund', text: 'Hello' })
  await gate.reached()
  const revoked = await admin.call('POST', `/v1/keys/${fingerprint}/revoke`, { reason: 'compromised' })
  expect(revoked.status).toBe(200)
  // The revocation could not see this message: it is not committed yet.
  expect(JSON.parse(revoked.text)).toMatchObject({ stopped: 0 })
  await gate.open()

  const { status, body } = await posting
  expect(status).toBe(202)
  const path = `/v1/messages/${(body as { id: string }).id}`
  await eventually('the end of the message', async () => {
    const { state } = (await house.client.get(path)).body as { state: string }
    return state === 'failed'
  })
  expect((await house.client.get(path)).body).toMatchObject({
    deliveries: [{ outcome: 'certificate_revoked' }],
  })
  // Its owner is told of the revocation; nothing else came.
  const sealed = house.inbox.filter(({ bytes }) => bytes.includes('BEGIN PGP MESSAGE'))
  expect(sealed).toEqual([])
})
