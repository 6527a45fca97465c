import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listLogKeys } from '../../src/custody/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import {
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { parseVerifier } from '../../src/tlog/index.ts'
import { verifyEvidence } from '../../src/verifier/index.ts'
import { addWebhook } from '../../src/webhooks/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { putOnRecord } from '../support/on-record.ts'
import { type Receiver, startReceiver } from '../webhooks/receiver.ts'
import { byClient } from './api/by-client.ts'
import { byCurl } from './api/by-curl.ts'
import type { Tongue } from './api/tongue.ts'

const pan = '4111 1111 1111 1111'
const rows = Buffer.from(`${pan};12.50\r\n`.repeat(60_000))

let house: House
let recipient: Correspondent
let receiver: Receiver
let secret: string
const tongues: Record<string, Tongue> = {}
beforeAll(async () => {
  const authority = await createAuthority({ commonName: 'test web CA', days: 1 })
  receiver = await startReceiver(
    await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }),
  )
  house = await openHouse(
    { webhooks: { allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] } },
    { webhooks: { ca: authority.certificate } },
  )
  recipient = await house.addRecipient('disputes@acquirer.example')
  await putOnRecord(house.owner, recipient.address)
  // Nobody listens there: what is sent to it waits.
  await house.addRecipient('later@processor.example', 1)
  const webhook = { application: 'billing', url: receiver.url }
  ;({ secret } = await addWebhook(house.owner, systemClock, webhook, 'correct horse battery staple'))
  const client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  const baseUrl = `https://localhost:${house.port}`
  tongues['curl'] = await byCurl(baseUrl, house.authority, client)
  tongues['the TypeScript client'] = byClient(baseUrl, house.authority, client)
})
afterAll(async () => {
  for (const tongue of Object.values(tongues)) await tongue.close()
  await house.close()
  await receiver.close()
})

describe.each(['curl', 'the TypeScript client'])('by %s', name => {
  const message = (reference: string, to = 'disputes@acquirer.example') => ({
    from: house.sender,
    to: [to],
    subject: 'Chargeback',
    text: `Card ${pan}`,
    reference,
  })

  test('a message is checked, sent, repeated, followed, found, called back about and proved', async () => {
    const tongue = tongues[name]!
    const reference = `walk-${name.length}`
    const envelope = message(reference)

    const report = await tongue.check(envelope)
    expect(report).toMatchObject({ accepted: true, recipients: [{ address: recipient.address }] })
    const refused = await tongue.check({ ...envelope, to: ['stranger@acquirer.example'] })
    expect(refused).toMatchObject({ accepted: false, recipients: [{ code: 'recipient_unknown' }] })

    const file = { filename: 'cases ü.csv', contentType: 'text/csv', content: rows }
    const accepted = await tongue.send(envelope, reference, file)
    expect(accepted).toEqual({
      id: expect.stringMatching(/^msg_/) as string,
      deliveries: [expect.anything()],
    })
    expect(await tongue.send(envelope, reference, file)).toEqual(accepted)
    await expect(tongue.send(envelope, reference)).rejects.toMatchObject({ code: 'idempotency_key_reused' })

    const { id } = accepted
    const updates = await tongue.updates(id, 'delivery.delivered')
    expect(updates).toMatchObject([{ data: { message: id, reference, state: 'delivered' } }])
    expect(await tongue.status(id)).toMatchObject({ id, state: 'delivered', reference })
    const { messages } = await tongue.list(reference)
    expect(messages).toMatchObject([{ id, state: 'delivered' }])

    const [call] = await receiver.until(
      1,
      ({ payload: { data } }) => 'message' in data && data.message === id,
    )
    expect(await tongue.verify(call!.headers, call!.body, secret)).toEqual(updates[0])
    const forged = call!.body.replace('delivered', 'failed')
    await expect(tongue.verify(call!.headers, forged, secret)).rejects.toThrow()

    await expect(tongue.cancel(id)).rejects.toMatchObject({ code: 'nothing_to_cancel' })

    const keys = (await listLogKeys(house.owner)).map(({ verifier }) => parseVerifier(verifier))
    const evidence = await tongue.evidence(id)
    expect(verifyEvidence(evidence, { keys })).toMatchObject({ ok: true, answers: { message: id } })

    const mails = await Promise.all(house.inbox.map(mail => house.read(recipient, mail)))
    const [mail, ...more] = mails.filter(({ attachments }) => attachments[0]?.filename === file.filename)
    expect(Buffer.from(mail?.attachments[0]?.content as ArrayBuffer).equals(rows)).toBe(true)
    // One for each tongue: none was sent twice.
    expect(more.length).toBeLessThan(2)
  })

  test('what still waits is cancelled, and cancelled it is', async () => {
    const tongue = tongues[name]!
    const { id } = await tongue.send(
      message(`late-${name.length}`, 'later@processor.example'),
      `late-${name.length}`,
    )
    const heard = await tongue.updates(id, 'delivery.deferred')
    expect(heard.at(-1)).toMatchObject({ type: 'delivery.deferred', data: { state: 'queued' } })
    const cancelled = await tongue.cancel(id)
    expect(cancelled).toMatchObject({
      state: 'failed',
      deliveries: [{ state: 'failed', outcome: 'cancelled_by_application' }],
    })
    expect(await tongue.cancel(id)).toEqual(cancelled)
  })
})
