import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { latestCheckpoint, recordAnchored } from '../../src/audit-log/index.ts'
import { listLogKeys } from '../../src/custody/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { evidenceOf } from '../../src/evidence/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { parseVerifier } from '../../src/tlog/index.ts'
import { type EvidenceReport, verifyEvidence } from '../../src/verifier/index.ts'
import { canariesIn, canaryPan, canaryWords } from '../support/canary.ts'
import { type House, openHouse } from '../support/house.ts'
import { putOnRecord } from '../support/on-record.ts'

vi.setConfig({ testTimeout: 60_000 })

let house: House
let known: Correspondent
let stranger: Correspondent
beforeAll(async () => {
  house = await openHouse()
  known = await house.addRecipient('disputes@acquirer.example')
  await putOnRecord(house.owner, known.address)
  stranger = await house.addRecipient('nobody@unknown.example')
}, 60_000)
afterAll(() => house.close())

const post = async (to: Address, more: object = {}): Promise<string> => {
  const message = {
    from: house.sender,
    to: [to],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
    ...more,
  }
  const { status, body } = await house.client.post(message)
  expect(status).toBe(202)
  return (body as { id: string }).id
}
const settled = (id: string): Promise<void> =>
  expect
    .poll(async () => (await house.client.get(`/v1/messages/${id}`)).body, { timeout: 30_000 })
    .toMatchObject({ state: 'delivered' })
const path = (id: string): string => `/v1/messages/${id}/evidence`
const verified = async (text: string): Promise<EvidenceReport> => {
  const keys = (await listLogKeys(house.owner)).map(({ verifier }) => parseVerifier(verifier))
  return verifyEvidence(text, { keys })
}
const issues = async (): Promise<readonly Record<string, unknown>[]> => {
  const query = house.owner('audit_events').where({ type: 'evidence.issued' }).orderBy('seq')
  return (await query.pluck<string[]>('body')).map(body => JSON.parse(body) as Record<string, unknown>)
}

describe('GET /v1/messages/{id}/evidence', () => {
  test('gives an application a file that proves what became of its message', async () => {
    const id = await post(known.address)
    await settled(id)
    const { status, text } = await house.client.download(path(id))
    expect(status, text).toBe(200)
    const report = await verified(text)
    expect(report).toMatchObject({ ok: true, findings: [] })
    expect(report.answers).toMatchObject({
      message: id,
      application: { san: 'URI:urn:test:billing' },
      policy: { name: 'standard', decision: { approved: { by: { name: 'grace' } } } },
      deliveries: [
        {
          state: 'delivered',
          recipient: { address: known.address },
          certificate: { enrolment: { fingerprintVerified: { by: { name: 'ada' }, means: 'phone' } } },
          ciphertext: { format: expect.stringMatching(/^seipdv[12]$/) as string },
          history: [
            {
              outcome: 'delivered',
              tls: { rule: 'pinned', version: 'TLSv1.3' },
              reply: '250 OK: message queued',
            },
          ],
        },
      ],
    })
    const mail = house.inbox.at(-1)!.bytes
    const kept = verifyEvidence(text, { ciphertexts: [{ where: 'mail', bytes: mail }] })
    expect(kept.ciphertexts).toMatchObject([
      { where: 'mail', delivery: report.answers?.deliveries[0]?.delivery },
    ])
  })

  test('is the same each time, and on record each time: by whom, under which checkpoint, which file', async () => {
    const id = await post(known.address)
    await settled(id)
    const before = (await issues()).length
    const first = await house.client.download(path(id))
    const again = await house.client.download(path(id))
    expect(again.text).toBe(first.text)
    const { log } = await verified(first.text)
    const sha256 = createHash('sha256').update(first.text).digest('hex')
    const issue = { message: id, size: log?.size, sha256, actor: { kind: 'application' } }
    expect((await issues()).slice(before)).toMatchObject([issue, issue])
  })

  test('tells nothing of a message of another application, nor that there is one', async () => {
    const id = await post(known.address)
    await settled(id)
    const wish = { name: 'other', san: 'URI:urn:test:other', senders: ['@x.example'] }
    await addApplication(house.owner, systemClock, wish)
    const other = await house.clientNamed('urn:test:other')
    const before = (await issues()).length
    const [theirs, nobodys] = [await other.get(path(id)), await other.get(path(`msg_${'0'.repeat(26)}`))]
    expect(theirs).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const without = ({ body }: typeof theirs) => ({ ...(body as object), instance: undefined })
    expect(without(theirs)).toEqual(without(nobodys))
    expect((await other.get(path('4012888888881881'))).status).toBe(422)
    expect((await issues()).length).toBe(before)
  })

  test('has nothing of the content: no card number, reference, file name or user ID', async () => {
    const id = await post(known.address, {
      subject: `Refund ${canaryWords}`,
      text: `Card ${canaryPan} ${canaryWords}`,
      reference: canaryWords,
      attachments: [{ filename: `${canaryWords}.csv`, contentType: 'text/csv', content: 'eA==' }],
    })
    await settled(id)
    const { status, text } = await house.client.download(path(id))
    expect(status).toBe(200)
    expect(canariesIn(Buffer.from(text))).toEqual([])
    expect(text).not.toMatch(/user.?id/i)
  })

  test('of a delivery under way says so', async () => {
    const late = await house.addRecipient('late@closed.example', 1)
    await putOnRecord(house.owner, late.address)
    const id = await post(late.address)
    await expect
      .poll(async () => (await house.client.get(`/v1/messages/${id}`)).body, { timeout: 30_000 })
      .toMatchObject({ deliveries: [{ attempts: [{}] }] })
    const { answers } = await verified((await house.client.download(path(id))).text)
    const history = [{ event: 'delivery.deferred', attempt: 1, tls: null, reply: null }]
    expect(answers?.deliveries[0]).toMatchObject({ state: 'under_way', history })
  })

  test('is refused while the log lags behind, and given when it has caught up', async () => {
    // As another replica that has the turn and does nothing with it.
    const held = await house.owner.transaction()
    await held.raw('SELECT pg_advisory_xact_lock(7020486530)')
    const id = await post(known.address)
    const late = await house.client.get(path(id))
    await held.commit()
    expect(late).toMatchObject({ status: 503, body: { code: 'evidence_not_ready' } })
    await settled(id)
    expect((await house.client.download(path(id))).status).toBe(200)
  })

  test('is refused where the log lacks what allowed the delivery', async () => {
    const id = await post(stranger.address)
    await settled(id)
    expect(await house.client.get(path(id))).toMatchObject({
      status: 409,
      body: { code: 'evidence_incomplete' },
    })
  })
})

describe('an operator', () => {
  test('who is an auditor takes evidence of any message from the console', async () => {
    const id = await post(known.address)
    await settled(id)
    const auditor = await house.signedIn('olga', 'auditor')
    const { status, text, headers } = await auditor.get(path(id))
    expect(status, text).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename=evidence-${id}.json`,
    })
    expect((await verified(text)).ok).toBe(true)
    expect((await issues()).at(-1)).toMatchObject({
      message: id,
      actor: { kind: 'operator', id: auditor.id },
    })
    expect((await auditor.call('HEAD', path(id))).status).toBe(405)
    expect((await auditor.get(path(`msg_${'0'.repeat(26)}`))).status).toBe(404)
  })

  test('who is none gets nothing, and nobody who is not signed in', async () => {
    const id = await post(known.address)
    const before = (await issues()).length
    for (const role of ['admin', 'approver', 'custodian'] as const)
      expect((await (await house.signedIn(`no-${role}`, role)).get(path(id))).status).toBe(403)
    expect((await house.browser('console').get(path(id))).status).toBe(401)
    expect((await issues()).length).toBe(before)
  })
})

describe('where the policy asks for anchors', () => {
  test('evidence waits until so many have a checkpoint that covers it, and is under the one that they have', async () => {
    const id = await post(known.address)
    await settled(id)
    await house.client.download(path(id))
    const asked = () => evidenceOf(house.owner, id, { anchors: 2 })
    await expect(asked()).rejects.toMatchObject({ code: 'evidence_not_anchored' })
    const { size } = (await latestCheckpoint(house.owner))!
    await recordAnchored(house.owner, systemClock, { anchor: 'one', size })
    await expect(asked()).rejects.toMatchObject({ code: 'evidence_not_anchored' })
    // A witness's line goes with the checkpoint that it is about, whatever it is worth.
    const receipt = `— witness.test ${Buffer.alloc(76).toString('base64')}\n`
    await recordAnchored(house.owner, systemClock, { anchor: 'two', size, receipt })
    const { size: under, text } = await asked()
    expect(under).toBe(size)
    const report = await verified(text)
    expect(report).toMatchObject({ ok: true, log: { size } })
    expect(report.cautions).toContain('signatures_unchecked')
    // What an anchor has is preferred where the policy asks for none, too.
    expect((await evidenceOf(house.owner, id, { anchors: 0 })).size).toBe(size)
  })
})
