import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BrowserClient } from '../support/browser-client.ts'
import { type Invited, invite, linkIn, mailTo, prove, redirectOf } from '../support/enrolment.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let admin: BrowserClient
let approver: BrowserClient
let invited: Invited
beforeAll(async () => {
  house = await openHouse()
  admin = await house.signedIn('anna', 'admin')
  approver = await house.signedIn('bert', 'approver')
  invited = await invite(house, admin, 'clara@acquirer.example')
})
afterAll(() => house.close())

const events = async (type: string) =>
  (await house.owner('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')).map(
    body => JSON.parse(body) as Record<string, unknown>,
  )
const step = async ({ browser }: Invited) =>
  /aria-current="step">([^<]+)/.exec((await browser.get('/enrol')).text)?.[1]

test('the whole way by pages, until a message arrives; then the link in a mail ends it', async () => {
  const dora = await invite(house, admin, 'dora@acquirer.example')
  expect(await step(dora)).toBe('Give us your public key')
  const challenge = await prove(house, dora)
  expect(await step(dora)).toBe('Compare the fingerprint with us')

  const shown = await dora.browser.get('/enrol')
  const list = /<ol class="print words"[^>]*>(.*?)<\/ol>/.exec(shown.text)?.[1] ?? ''
  const words = [...list.matchAll(/<li>([A-Za-z]+)<\/li>/g)].map(([, word]) => word)
  expect(words).toHaveLength(20)
  const asked = (await admin.get(dora.path)).text
  for (const word of words) expect(asked).toContain(`<li>${word}</li>`)

  const change = redirectOf(await admin.submit(`${dora.path}/verify`, { means: 'phone' }))
  expect(await step(dora)).toBe('A second person here approves')
  expect((await approver.get(change)).text).toContain('dora@acquirer.example')
  expect(redirectOf(await approver.submit(`${change}/approve`))).toBe(change)
  expect((await dora.browser.get('/enrol')).text).toContain('<strong>Active.</strong>')

  const message = {
    from: house.sender,
    to: [dora.correspondent.address],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
  }
  expect(await house.client.post(message)).toMatchObject({ status: 202 })

  const stop = linkIn(challenge, 'stop')
  expect((await dora.browser.submit(stop, { reason: 'compromised' })).text).toContain(
    'Your key is no longer used',
  )
  expect(await house.client.post(message)).toMatchObject({
    status: 422,
    body: { recipients: [{ address: dora.correspondent.address, code: 'certificate_revoked' }] },
  })
})

describe('a link', () => {
  test('opens once: the second use is refused and audited, whoever comes', async () => {
    const before = (await events('request.refused')).length + (await events('enrolment.link.refused')).length
    const other = house.browser('public')
    const answer = await other.submit(invited.link)
    expect(answer.status).toBe(410)
    expect(answer.text).toContain('This link does not work any more')
    expect(other.cookies.size).toBe(0)
    expect((await events('request.refused')).length + (await events('enrolment.link.refused')).length).toBe(
      before + 1,
    )
  })

  test.each([
    '/enrol/short',
    `/enrol/${'x'.repeat(200)}`,
    '/enrol/..%2f..%2fx',
    '/prove/%00',
    '/stop/<script>',
  ])('%s is refused', async path => {
    const answer = await house.browser('public').submit(path)
    expect([404, 410, 400]).toContain(answer.status)
    expect(answer.text).not.toContain('<script>')
  })

  test('without a session there is no page', async () => {
    const stranger = house.browser('public')
    expect((await stranger.get('/enrol')).status).toBe(410)
    stranger.cookies.set('__Host-enrolment', 'x'.repeat(43))
    expect((await stranger.get('/enrol')).status).toBe(410)
    expect((await stranger.upload('/enrol/certificate', 'file', Buffer.from('x'))).status).toBe(410)
  })

  test('closing the page takes the cookie away', async () => {
    const emma = await invite(house, admin, 'emma@acquirer.example')
    await emma.browser.submit('/enrol/leave')
    expect(emma.browser.cookies.size).toBe(0)
    expect((await emma.browser.get('/enrol')).status).toBe(410)
  })
})

describe('what is no good as a certificate', () => {
  const upload = (content: Uint8Array) => invited.browser.upload('/enrol/certificate', 'file', content)

  test.each([
    ['a letter', () => Buffer.from('Dear all,\r\n'), 'not_a_certificate'],
    ['64 KiB and one byte', () => Buffer.alloc(65_537, 0x99), 'too_large'],
    ['300 KiB', () => Buffer.alloc(300 * 1024, 0x99), 'too_large'],
  ] as const)(
    '%s: refused with its reason and a remedy, and can be tried again',
    async (_name, content, reason) => {
      const answer = await upload(content())
      expect(answer.status).toBe(422)
      expect(answer.text).toContain(`<code>${reason}</code>`)
      expect(answer.text).toContain('Check this key')
      expect((await events('certificate.rejected')).at(-1)).toMatchObject({ reasons: [reason] })
    },
  )

  test('more than half a megabyte is not even read', async () => {
    const answer = await upload(Buffer.alloc(2 * 1024 * 1024, 0x99))
    expect(answer.status).toBe(413)
    expect(answer.text).toContain('That file is too large')
  })

  test('a private key: the person is told to revoke it, and nothing of it is anywhere', async () => {
    const { privateKey } = invited.correspondent
    const armoured = privateKey.armor()
    const secret = armoured.split('\n').find(line => line.length === 60 || line.length === 64) ?? ''
    expect(secret.length).toBeGreaterThan(50)
    for (const answer of [
      await upload(Buffer.from(armoured)),
      await invited.browser.submit('/enrol/certificate', { text: armoured }),
    ]) {
      expect(answer.status).toBe(422)
      expect(answer.text).toContain('Stop: this was your private key')
      expect(answer.text).toContain('revoke this key')
      expect(answer.text).not.toContain(secret)
    }
    expect(house.log()).not.toContain(secret)
    const { rows } = await house.owner.raw<{ rows: { n: number }[] }>(
      'SELECT count(*)::int AS n FROM proposals WHERE bytes = ?',
      [Buffer.from(privateKey.write())],
    )
    expect(rows[0]?.n).toBe(0)
    const bodies = await house.owner('audit_events').pluck<string[]>('body')
    expect(bodies.join('')).not.toContain(secret.slice(0, 40))
  })

  test('an empty form', async () => {
    const answer = await invited.browser.submit('/enrol/certificate', { text: ' ' })
    expect(answer.status).toBe(422)
    expect(answer.text).toContain('There was no key in the form')
  })

  test.each([
    ['no multipart', 'multipart/form-data; boundary=x', 'nothing', 400],
    [
      'a multipart that ends early',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nab',
      400,
    ],
    ['a multipart without a boundary', 'multipart/form-data', 'x', 400],
    ['a field twice', 'application/x-www-form-urlencoded', 'text=a&text=b', 400],
    [
      'thirty fields',
      'multipart/form-data; boundary=x',
      `${Array.from({ length: 30 }, (_, i) => `--x\r\nContent-Disposition: form-data; name="f${i}"\r\n\r\na\r\n`).join('')}--x--\r\n`,
      400,
    ],
    ['JSON', 'application/json', '{}', 415],
  ])('%s', async (_name, type, body, status) => {
    const answer = await invited.browser.post('/enrol/certificate', type, body)
    expect(answer.status).toBe(status)
  })
})

describe('a code', () => {
  let fred: Invited
  beforeAll(async () => {
    fred = await invite(house, admin, 'fred@acquirer.example')
  })

  test('a wrong one is said to be wrong, audited, and nothing moves', async () => {
    const armoured = Buffer.from(fred.correspondent.privateKey.toPublic().armor())
    const pasted = await fred.browser.submit('/enrol/certificate', { text: armoured.toString() })
    expect(redirectOf(pasted)).toBe('/enrol')
    for (const code of ['', 'nonsense', '0'.repeat(26)]) {
      const answer = await fred.browser.submit('/enrol/code', { code })
      expect(answer.status).toBe(422)
      expect(answer.text).toContain('This is not the code')
    }
    expect((await events('possession.refused')).length).toBeGreaterThan(0)
    expect(await step(fred)).toBe('Return the code that we mail to you')
  })

  test('typed with blanks and capitals it is the code; sent twice, it proves once', async () => {
    const { bytes } = await mailTo(house, fred.correspondent.address, 2)
    const { text = '' } = await house.read(fred.correspondent, { from: '', to: [], bytes })
    const code = linkIn(text, 'prove').slice('/prove/'.length)
    const typed = code.toUpperCase().replace(/(.{5})/g, '$1 ')
    expect(redirectOf(await fred.browser.submit('/enrol/code', { code: typed }))).toBe('/enrol')
    expect(await step(fred)).toBe('Compare the fingerprint with us')
    expect(redirectOf(await fred.browser.submit('/enrol/code', { code: typed }))).toBe('/enrol')
    expect(
      (await events('possession.proved')).filter(({ recipient }) => fred.path.endsWith(String(recipient))),
    ).toHaveLength(1)
  })
})
