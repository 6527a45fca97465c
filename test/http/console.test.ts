import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OperatorId } from '../../src/kernel/index.ts'
import type { Answer, BrowserClient } from '../support/browser-client.ts'
import { invitation, invite, prove, redirectOf } from '../support/enrolment.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let admin: BrowserClient & { readonly id: OperatorId }
let approver: BrowserClient
let auditor: BrowserClient
beforeAll(async () => {
  house = await openHouse()
  admin = await house.signedIn('anna', 'admin')
  approver = await house.signedIn('bert', 'approver')
  auditor = await house.signedIn('carl', 'auditor')
})
afterAll(() => house.close())

const json = ({ text }: Answer) => JSON.parse(text) as Record<string, unknown>
const invitedByApi = (address: string, changes: object = {}) =>
  admin.call('POST', '/v1/recipients', {
    address,
    organisation: invitation.organisation,
    kind: 'supplier',
    phone: invitation.phone,
    retentionDays: 30,
    ...changes,
  })
const idOf = (answer: Answer) => String(json(answer)['id'])

describe('who is signed in', () => {
  test('is told who they are', async () => {
    expect(json(await admin.call('GET', '/v1/operators/me'))).toMatchObject({
      id: admin.id,
      name: 'anna',
      roles: ['admin'],
    })
    expect((await admin.get('/')).text).toContain('Sign out')
  })

  test.each([
    '/v1/operators/me',
    '/v1/recipients',
    '/v1/keys',
    '/v1/inventory',
    '/v1/policies',
    '/v1/change-requests',
  ])('without a session %s is refused as a problem', async path => {
    const answer = await house.browser('console').call('GET', path)
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(json(answer)).toMatchObject({ code: 'sign_in_required' })
  })

  test.each(['/', '/recipients', '/recipients/new', '/changes', '/policies'])(
    'without a session the page %s says how to sign in',
    async path => {
      const answer = await house.browser('console').get(path)
      expect(answer.status).toBe(401)
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.text).toContain('sealpost operator sign-in')
    },
  )

  test('signing out ends the session, not only the cookie', async () => {
    const gerd = await house.signedIn('gerd', 'auditor')
    const session = gerd.cookies.get('__Host-operator') ?? ''
    expect((await gerd.submit('/sign-out')).text).toContain('Signed out')
    expect(gerd.cookies.size).toBe(0)
    gerd.cookies.set('__Host-operator', session)
    expect((await gerd.get('/')).status).toBe(401)
  })
})

describe('recipients by API', () => {
  test('invited, shown, suspended, unenrolled', async () => {
    const answer = await invitedByApi('ina@acquirer.example', {
      attestations: [{ kind: 'contract', reference: 'C-1', validUntil: '2099-05-03' }],
    })
    expect(answer.status).toBe(201)
    const path = `/v1/recipients/${idOf(answer)}`
    expect(answer.headers.location).toBe(path)
    expect(json(await auditor.call('GET', path))).toMatchObject({
      address: 'ina@acquirer.example',
      state: 'invited',
      step: 'propose',
      attestations: [{ kind: 'contract', validUntil: '2099-05-03T23:59:59.999Z' }],
    })
    expect((await admin.call('POST', `${path}/suspend`)).status).toBe(409)
    expect(json(await admin.call('POST', `${path}/unenrol`))).toMatchObject({ state: 'unenrolled' })
    expect((await admin.call('POST', `${path}/unenrol`)).status).toBe(409)
  })

  test('sent twice, an invitation is one', async () => {
    expect((await invitedByApi('jan@acquirer.example')).status).toBe(201)
    const again = await invitedByApi('jan@acquirer.example')
    expect(again.status).toBe(409)
    expect(json(again)).toMatchObject({ code: 'name_taken' })
  })

  test('a verified certificate becomes active by a second operator, an attestation likewise', async () => {
    const kai = await invite(house, admin, 'kai@acquirer.example')
    await prove(house, kai)
    const path = `/v1${kai.path}`
    const asked = await admin.call('POST', `${path}/proposal/verify`, { means: 'video' })
    expect(asked.status).toBe(202)
    const change = `/v1/change-requests/${idOf(asked)}`
    expect(json(await approver.call('POST', `${change}/approve`))).toMatchObject({ state: 'approved' })
    expect(json(await admin.call('GET', path))).toMatchObject({ state: 'active', step: 'none' })

    const attested = await admin.call('POST', `${path}/attestations`, {
      attestations: [{ kind: 'aoc', reference: 'AOC 2027', validUntil: '2098-01-01' }],
    })
    expect(attested.status).toBe(202)
    expect(json(await approver.call('POST', `/v1/change-requests/${idOf(attested)}/reject`))).toMatchObject({
      state: 'rejected',
    })

    const { keys } = json(await auditor.call('GET', '/v1/keys?state=active')) as {
      keys: { fingerprint: string }[]
    }
    const key = `/v1/keys/${keys[0]?.fingerprint ?? ''}`
    // A page ends with the name of a certificate, which has two parts.
    const { next } = json(await auditor.call('GET', '/v1/keys?state=active&limit=1')) as { next: string }
    expect(next).toMatch(/^[0-9A-F]{40}-[0-9A-F]{40}$/)
    const rest = json(await auditor.call('GET', `/v1/keys?state=active&limit=200&after=${next}`))
    expect(rest).toMatchObject({ keys: keys.slice(1), next: null })
    expect((await auditor.call('GET', key.replace('/keys/', '/keys?after='))).status).toBe(400)
    const message = {
      from: house.sender,
      to: ['kai@acquirer.example'],
      subject: 'Refund',
      text: 'Card 4111 1111 1111 1111',
    }
    await house.client.post(message)
    expect(json(await auditor.call('GET', `${key}/exposure`))).toMatchObject({
      deliveries: 1,
      rows: [{ address: 'kai@acquirer.example' }],
    })
    const csv = await auditor.call('GET', `${key}/exposure?format=csv&since=2020-01-01`)
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(csv.headers['content-disposition']).toContain('attachment')
    expect(csv.text).toContain('kai@acquirer.example')

    expect((await approver.call('GET', `${key}/exposure`)).status).toBe(403)
    for (const other of [approver, auditor]) {
      expect((await other.call('POST', `${key}/revoke`, { reason: 'left' })).status).toBe(403)
      expect(
        (await other.submit(`/keys/${key.slice('/v1/keys/'.length)}/revoke`, { reason: 'left' })).status,
      ).toBe(403)
    }
    expect(json(await admin.call('GET', key))).toMatchObject({ state: 'active' })
    expect(json(await admin.call('POST', `${key}/revoke`, { reason: 'compromised' }))).toMatchObject({
      outcome: 'revoked',
    })
    expect(json(await admin.call('POST', `${key}/revoke`, { reason: 'left' }))).toMatchObject({
      outcome: 'already_revoked',
    })
    expect(json(await admin.call('GET', key))).toMatchObject({ state: 'revoked', revokedFor: 'compromised' })
  })

  test('lists filter and page, and tell where the next page begins', async () => {
    for (let i = 0; i < 5; i++) {
      await invitedByApi(`p${i}@paging.example`, {
        organisation: i < 3 ? 'Paging One' : 'Paging Two',
        kind: i < 4 ? 'supplier' : 'customer',
      })
    }
    const page = async (query: string) =>
      json(await auditor.call('GET', `/v1/recipients?${query}`)) as {
        recipients: { address: string }[]
        next: string | null
      }
    const seen: string[] = []
    for (let after = ''; ; ) {
      const { recipients, next } = await page(`q=paging&limit=2${after}`)
      seen.push(...recipients.map(({ address }) => address))
      if (next === null) break
      after = `&after=${next}`
    }
    expect(seen.toSorted()).toEqual([0, 1, 2, 3, 4].map(i => `p${i}@paging.example`))
    expect((await page('organisation=Paging%20Two')).recipients).toHaveLength(2)
    expect((await page('organisation=Paging%20Two&kind=customer')).recipients).toHaveLength(1)
    expect((await page('q=p3%40&state=invited')).recipients).toHaveLength(1)
    expect((await page('q=p3%40&state=active')).recipients).toEqual([])
    const shown = (await auditor.get('/recipients?q=paging&limit=2&state=')).text
    expect(shown).toMatch(/href="\/recipients\?q=paging&amp;limit=2&amp;state=&amp;after=rcp_/)
  })

  test.each([
    'limit=0',
    'limit=201',
    'limit=1e2',
    'limit=-1',
    'state=gone',
    'after=x',
    'after=chg_00000000000000000000000000',
    'expiringBefore=soon',
    'colour=red',
    '__proto__=1',
    'q=4111111111111111',
  ])('?%s is refused', async query => {
    const answer = await auditor.call('GET', `/v1/recipients?${query}`)
    expect(answer.status).toBe(400)
    expect(json(answer)).toMatchObject({ code: 'invalid_request' })
    expect(answer.text).not.toContain('4111')
  })

  test('a query that names a thing twice is refused', async () => {
    expect((await auditor.call('GET', '/v1/recipients?state=active&state=invited')).status).toBe(400)
  })
})

describe('CSV', () => {
  const csv = [
    'address,organisation,kind,phone,retentionDays',
    'q1@import.example,"Imported, Ltd",supplier,+31 20 123 4567,30',
    'no address,Imported,supplier,+31 20 123 4567,30',
    'q1@import.example,Again,supplier,+31 20 123 4567,30',
    'q2@import.example,=HYPERLINK(1),customer,+31 20 123 4567,90',
  ].join('\r\n')

  test('line by line: what is wrong harms nobody else', async () => {
    const answer = await admin.post('/v1/recipients/import', 'text/csv; charset=utf-8', csv)
    expect(json(answer)).toMatchObject({
      invited: 2,
      refused: 2,
      lines: [
        { line: 2, code: 'ok' },
        { line: 3, code: 'invalid_request' },
        { line: 4, code: 'name_taken' },
        { line: 5, code: 'ok' },
      ],
    })
    expect(answer.text).not.toContain('no address')
  })

  test('by page, with a report of the lines to correct', async () => {
    const answer = await admin.upload('/recipients/import', 'file', Buffer.from(csv))
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('0 invited, 4 refused.')
    expect(answer.text).toContain('Line 3')
  })

  test.each([
    ['no CSV', 'application/json', csv, 415],
    ['not UTF-8', 'text/csv', Buffer.from([0x61, 0xff]), 400],
    ['other columns', 'text/csv', 'a,b\r\n1,2', 400],
    ['five megabytes', 'text/csv', Buffer.alloc(5 * 1024 * 1024, 0x61), 413],
  ])('%s is refused', async (_name, type, body, status) => {
    expect((await admin.post('/v1/recipients/import', type, body)).status).toBe(status)
  })
})

describe('policies', () => {
  test('who would be cut off, then asked for and approved by pages', async () => {
    expect(json(await auditor.call('POST', '/v1/policies/assess', { policy: 'strict' }))).toMatchObject({
      refused: expect.any(Array) as unknown,
    })
    const change = redirectOf(
      await admin.submit('/policies', { policy: 'strict', effectiveAt: '2027-06-01' }),
    )
    expect((await approver.get(change)).text).toContain('strict')
    redirectOf(await approver.submit(`${change}/approve`))
    const { records } = json(await auditor.call('GET', '/v1/policies')) as { records: { policy: string }[] }
    expect(records.map(({ policy }) => policy)).toContain('strict')
  })

  test.each([
    { policy: 'none' },
    { policy: '../../etc/passwd' },
    { policy: 'strict', effectiveAt: '2000-01-01' },
    {},
  ])('%o is refused', async wish => {
    expect([400, 404]).toContain((await admin.call('POST', '/v1/policies', wish)).status)
  })
})

test('bodies of another form are refused, and nothing of them is repeated', async () => {
  for (const [type, body, status, code] of [
    ['application/json', '{"address":"4111111111111111"', 400, 'invalid_json'],
    ['application/json', '{"4111111111111111":1}', 400, 'invalid_request'],
    ['application/json', '{"__proto__":{"address":"a@b.example"}}', 400, 'invalid_request'],
    ['application/json', `"${'['.repeat(60_000)}"`, 400, 'invalid_request'],
    ['application/json', '['.repeat(60_000), 400, 'invalid_json'],
    ['application/json', ' '.repeat(70_000), 413, 'body_too_large'],
    ['application/json; charset=utf-16', '{}', 415, 'unsupported_media_type'],
    ['text/plain', '{}', 415, 'unsupported_media_type'],
  ] as const) {
    const answer = await admin.post('/v1/recipients', type, body)
    expect([answer.status, json(answer)['code']]).toEqual([status, code])
    expect(answer.text).not.toContain('4111')
  }
})

test('what is not there is not found; another method names the right ones', async () => {
  for (const path of [
    '/v1',
    '/v1/nothing',
    '/v1/recipients/rcp_x',
    `/v1/keys/${'0'.repeat(40)}`,
    '/v1/change-requests/chg_x',
    '/V1/recipients',
  ]) {
    expect((await admin.call('GET', path)).status).toBe(404)
  }
  const answer = await admin.call('DELETE', '/v1/recipients')
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, POST'])
})
