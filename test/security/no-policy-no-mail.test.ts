import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { lenient, openPost, type Post, pinnedTo } from '../support/post.ts'
import { approvePolicy } from '../support/shortcut.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

describe('while no policy is in force, nothing is accepted', () => {
  let house: House
  let to: string
  beforeAll(async () => {
    house = await openHouse({ roles: ['api'] })
    to = (await house.addRecipient('disputes@acquirer.example')).address
  })
  afterAll(() => house.close())

  const send = () =>
    house.client.post({ from: 'settlement@payments.example', to: [to], subject: 'Refund', text: 'Card' })

  test.each([
    ['nobody adopted one', () => house.owner('policy_records').delete()],
    ['it has lapsed', () => adopt({ effective_at: '2020-01-01', expires_at: '2020-01-02' })],
    ['it has yet to take effect', () => adopt({ effective_at: '2100-01-01', expires_at: '2100-01-02' })],
    ['its file is not the approved one', () => adopt({ sha256: '0'.repeat(64) })],
    ['its file is gone', () => adopt({ policy: 'withdrawn' })],
    [
      'the latest has lapsed, although an earlier one would still hold',
      async () => {
        await adopt({ effective_at: '2021-01-01', expires_at: '2021-01-02' })
        await approvePolicy(house.owner)
      },
    ],
  ])('%s', async (_, arrange) => {
    await arrange()
    expect(await send()).toMatchObject({ status: 503, body: { code: 'sending_not_approved' } })
    expect(await house.owner('messages').select('id')).toEqual([])
    const [event] = await house.owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('body')
    expect(JSON.parse(event ?? '')).toMatchObject({ type: 'request.refused', code: 'sending_not_approved' })
  })

  test('one in force lets messages in', async () => {
    await house.owner('policy_records').delete()
    await approvePolicy(house.owner)
    expect(await send()).toMatchObject({ status: 202 })
  })

  async function adopt(columns: Readonly<Record<string, string>>): Promise<void> {
    await house.owner('policy_records').delete()
    await approvePolicy(house.owner)
    await house.owner('policy_records').update(columns)
  }
})

describe('what was accepted waits', () => {
  let post: Post
  let sink: Sink
  beforeAll(async () => {
    const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
    const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })
    sink = await startSink(identity, { maxVersion: 'TLSv1.2' })
    post = await openPost()
    await post.route('bank.test', pinnedTo(authority.certificate, sink.port))
  })
  afterAll(async () => {
    await post.close()
    await sink.stop()
  })

  test.each([
    ['for a policy', 'sending_not_approved', undefined],
    [
      'for a server that speaks the TLS of the policy',
      'tls_too_weak',
      { ...lenient, minTls: 'TLSv1.3' as const },
    ],
    [
      'for a way to authenticate the server that reaches the floor',
      'destination_below_floor',
      { ...lenient, floor: 'dane' as const },
    ],
    [
      'for something fresh on a revocation of the server’s certificate',
      'tls_revocation_stale',
      { ...lenient, revocation: 'required' as const },
    ],
  ])('%s, and then goes out', async (_, outcome, policy) => {
    sink.mails.length = 0
    const accepted = await post.acceptOne(`${outcome}@bank.test`)
    const strict = post.startCourier({ policyAt: () => Promise.resolve(policy) })
    const waiting = await post.until(accepted.message, ({ attempts }) => attempts.length > 0)
    expect(waiting).toMatchObject({ state: 'queued', attempts: [{ outcome }] })
    await strict.stop()
    expect(sink.mails).toEqual([])

    const courier = post.startCourier()
    await post.until(accepted.message, ({ state }) => state === 'delivered')
    await courier.stop()
    expect(sink.mails.map(({ to }) => to)).toEqual([[`${outcome}@bank.test`]])
  })
})
