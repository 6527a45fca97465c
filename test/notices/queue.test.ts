import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Address, SealpostError, systemClock } from '../../src/kernel/index.ts'
import { type Notice, queueNotice, queueSealedNotice, withdrawNotices } from '../../src/notices/index.ts'
import {
  examples,
  insertOperator,
  insertRecipientAt,
  noticeEvents,
  noticeRow,
  noticeSender,
  queue,
  token,
} from '../support/notices.ts'
import { openPost, type Post } from '../support/post.ts'

let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())

let count = 0
const somebody = async () => {
  const address = `q${++count}@bank.test` as Address
  return { recipient: await insertRecipientAt(post, address), address }
}
const refusalOf = async (act: Promise<unknown>): Promise<SealpostError> => {
  const error: unknown = await act.then(
    () => new Error('was taken'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof SealpostError) return error
  throw error
}
const invitation = async (fields: Partial<typeof examples.invitation> = {}): Promise<Notice> => ({
  kind: 'invitation',
  to: await somebody(),
  fields: { ...examples.invitation, ...fields },
})

describe('what is queued', () => {
  test('is there exactly when its transaction commits, with its event', async () => {
    const notice = await invitation()
    const id = await queue(post, notice)
    expect(await noticeRow(post, id)).toMatchObject({ state: 'queued', attempts: 0 })
    const to = notice.to as { recipient: string }
    expect(await noticeEvents(post, id)).toMatchObject([
      { type: 'notice.queued', kind: 'invitation', recipient: to.recipient, operator: null },
    ])
    const before = await post.owner('notices').count()
    await expect(
      post.gateway.transaction(async trx => {
        await queueNotice(trx, systemClock, noticeSender, notice)
        throw new Error('thought better of it')
      }),
    ).rejects.toThrow('thought better')
    expect(await post.owner('notices').count()).toEqual(before)
  })

  test.each([
    ['an organisation that breaks the line', { organisation: 'Bank\r\nBcc: eve@evil.test' }],
    ['an organisation that hides its end', { organisation: 'Bank\u202e' }],
    ['an organisation that holds a card number', { organisation: 'Bank 4111 1111 1111 1111' }],
    ['a token that is a path', { enrolToken: '../../../../evil/aaaaaaaaaaaaaaaa' }],
    ['a token that can be guessed', { enrolToken: '12345' }],
    ['an end that is no time', { until: new Date(Number.NaN) }],
  ])('is refused with %s, by the name of the field alone', async (_name, fields) => {
    const error = await refusalOf(queue(post, await invitation(fields)))
    expect(error.code).toBe('invalid_request')
    const [field = ''] = Object.keys(fields)
    expect(error.details.errors).toEqual([{ pointer: `/${field}`, code: 'not_allowed_here' }])
    expect(JSON.stringify(error.details)).not.toMatch(/evil|4111|Bank/)
  })

  test.each([
    ['organisation', { organisation: 'Acme\r\nBcc: eve@evil.test' }],
    ['publicUrl', { publicUrl: 'http://mail.acme.test' }],
    ['publicUrl', { publicUrl: 'javascript:alert(1)' }],
    ['mailHost', { mailHost: 'mail.acme.test>\r\nX: y' }],
    ['from', { from: 'notices@mail.acme.test, eve@evil.test' as Address }],
  ])('is refused from a sender whose %s is none', async (field, wrong) => {
    const error = await refusalOf(queue(post, await invitation(), { ...noticeSender, ...wrong }))
    expect(error.code).toBe('config_invalid')
    expect(error.details.detail).toContain(field)
    expect(error.details.detail).not.toContain('evil')
  })

  test('is refused when it is for the other audience', async () => {
    const { address } = await somebody()
    const operator = await insertOperator(post)
    const error = await refusalOf(
      queue(post, {
        kind: 'activated',
        to: { operator, address },
        fields: examples.activated,
      } as unknown as Notice),
    )
    expect(error.code).toBe('internal_error')
  })

  test('sealed, is refused with the headers of another mail', async () => {
    const { recipient, address } = await somebody()
    const outer = { from: noticeSender.from, to: 'eve@evil.test' as Address, date: '', messageId: '' }
    const sealed = {
      recipient,
      address,
      outer,
      format: 'seipdv1',
      encryptionSubkey: 'AB'.repeat(20),
    } as const
    const ciphertext = Buffer.from('x') as never
    const act = post.gateway.transaction(async trx =>
      queueSealedNotice(trx, systemClock, noticeSender, { ...sealed, ciphertext }),
    )
    expect((await refusalOf(act)).code).toBe('internal_error')
  })
})

test('withdrawn is what opens something; what tells of a change still goes out', async () => {
  const to = await somebody()
  const other = await queue(post, await invitation())
  const opening = await queue(post, {
    kind: 'invitation',
    to,
    fields: { ...examples.invitation, enrolToken: token() },
  })
  const telling = await queue(post, { kind: 'certificate_changed', to, fields: examples.certificate_changed })
  const withdraw = () => post.gateway.transaction(trx => withdrawNotices(trx, systemClock, to.recipient))
  expect(await withdraw()).toBe(1)
  expect(await noticeRow(post, opening)).toMatchObject({
    state: 'failed',
    outcome: 'withdrawn',
    fields: null,
  })
  expect(await noticeRow(post, telling)).toMatchObject({ state: 'queued' })
  expect(await noticeRow(post, other)).toMatchObject({ state: 'queued' })
  expect((await noticeEvents(post, opening)).at(-1)).toMatchObject({
    type: 'notice.failed',
    outcome: 'withdrawn',
  })
  expect(await withdraw()).toBe(0)
})
