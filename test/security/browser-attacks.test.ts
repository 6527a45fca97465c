import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueSignInLink } from '../../src/access/index.ts'
import { type OperatorId, systemClock } from '../../src/kernel/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type Invited, invitation, invite, linkIn, mailTo, prove, redirectOf } from '../support/enrolment.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let admin: BrowserClient & { readonly id: OperatorId }
let both: BrowserClient & { readonly id: OperatorId }
let auditor: BrowserClient
let invited: Invited
let challenge: string
beforeAll(async () => {
  house = await openHouse()
  admin = await house.signedIn('anna', 'admin')
  both = await house.signedIn('bert', 'admin', 'approver')
  auditor = await house.signedIn('carl', 'auditor')
  invited = await invite(house, admin, 'clara@acquirer.example')
  challenge = await prove(house, invited)
})
afterAll(() => house.close())

const lastEvents = async (count: number) =>
  (await house.owner('audit_events').orderBy('seq', 'desc').limit(count).pluck<string[]>('body')).map(
    body => JSON.parse(body) as Record<string, unknown>,
  )

/** Everything that a request could change: of a mail whether there is one, for it is sent meanwhile. */
async function everything(): Promise<unknown> {
  const tables = [
    'recipients',
    'recipient_links',
    'proposals',
    'certificates',
    'change_requests',
    'operator_links',
    'policy_records',
  ]
  const rows = tables.map(table => house.owner(table).orderByRaw('1').select('*'))
  return Promise.all([house.owner('notices').orderBy('id').pluck('id'), ...rows])
}

describe('cross-site requests', () => {
  const foreign = [
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['another site that hides where it is from', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['another site in an old browser', { 'sec-fetch-site': undefined, origin: 'https://evil.example' }],
    [
      'our own name with another port',
      { 'sec-fetch-site': 'same-site', origin: 'https://console.gateway.test:8443' },
    ],
    ['the recipients’ pages', { 'sec-fetch-site': 'same-site', origin: 'https://keys.gateway.test' }],
    [
      'a name that begins like ours',
      { 'sec-fetch-site': undefined, origin: 'https://console.gateway.test.evil.example' },
    ],
    ['our name without TLS', { 'sec-fetch-site': undefined, origin: 'http://console.gateway.test' }],
    ['nowhere, as a form', { 'sec-fetch-site': undefined, origin: undefined }],
    ['same-origin in words, another origin in truth', { origin: 'https://evil.example' }],
  ] as const

  test.each(foreign)('a form from %s changes nothing, and is audited', async (_name, headers) => {
    const before = await everything()
    const answer = await admin.submit('/recipients', { ...invitation, address: 'x@y.example' }, headers)
    expect(answer.status).toBe(403)
    expect(await everything()).toEqual(before)
    expect((await lastEvents(1))[0]).toMatchObject({
      type: 'request.refused',
      code: 'cross_site_refused',
      actor: { kind: 'operator', id: admin.id },
    })
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'JSON disguised as %s from nowhere is refused',
    async type => {
      const headers = { 'sec-fetch-site': undefined, origin: undefined }
      expect((await admin.post('/v1/recipients', type, '{}', headers)).status).toBe(403)
    },
  )

  test('a program that says no origin, with JSON, is served', async () => {
    const headers = { 'sec-fetch-site': undefined, origin: undefined }
    expect((await admin.post('/v1/recipients', 'application/json', '{}', headers)).status).toBe(400)
  })

  test('another site can neither sign somebody in nor open a recipient’s page for them', async () => {
    const { token } = await issueSignInLink(house.owner, systemClock, 'anna')
    const victim = house.browser('console')
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    expect((await victim.submit(`/sign-in/${token}`, {}, headers)).status).toBe(403)
    expect(victim.cookies.size).toBe(0)
    expect((await victim.submit(`/sign-in/${token}`)).status).toBe(303)
    const stop = linkIn(challenge, 'stop')
    expect((await house.browser('public').submit(stop, { reason: 'left' }, headers)).status).toBe(403)
  })
})

describe('sessions', () => {
  test('a planted cookie is never adopted', async () => {
    const planted = 'A'.repeat(43)
    const victim = house.browser('console')
    victim.cookies.set('__Host-operator', planted)
    const { token } = await issueSignInLink(house.owner, systemClock, 'carl')
    await victim.submit(`/sign-in/${token}`)
    expect(victim.cookies.get('__Host-operator')).not.toBe(planted)
    const attacker = house.browser('console')
    attacker.cookies.set('__Host-operator', planted)
    expect((await attacker.get('/')).status).toBe(401)
  })

  test('signing in anew ends the session that the browser had', async () => {
    const browser = await house.signedIn('nils', 'auditor')
    const before = browser.cookies.get('__Host-operator') ?? ''
    const { token } = await issueSignInLink(house.owner, systemClock, 'nils')
    await browser.submit(`/sign-in/${token}`)
    const old = house.browser('console')
    old.cookies.set('__Host-operator', before)
    expect((await old.get('/')).status).toBe(401)
    expect((await browser.get('/')).status).toBe(200)
  })

  test('two cookies of the name are none', async () => {
    const twice = `__Host-operator=${admin.cookies.get('__Host-operator') ?? ''}`
    expect((await house.browser('console').get('/', { cookie: `${twice}; ${twice}` })).status).toBe(401)
  })

  test('cookies are for this host, TLS and our own pages alone, and no script sees them', async () => {
    const { token } = await issueSignInLink(house.owner, systemClock, 'carl')
    const answer = await house.browser('console').submit(`/sign-in/${token}`)
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-operator=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
      ),
    ])
  })

  test('the cookie of a recipient opens nothing at the console, nor the other way round', async () => {
    const wanderer = house.browser('console')
    wanderer.cookies.set('__Host-operator', invited.browser.cookies.get('__Host-enrolment') ?? '')
    expect((await wanderer.get('/')).status).toBe(401)
    const other = house.browser('public')
    other.cookies.set('__Host-enrolment', admin.cookies.get('__Host-operator') ?? '')
    expect((await other.get('/enrol')).status).toBe(410)
  })
})

describe('a program that follows every link of a mail', () => {
  test.each(['GET', 'HEAD'])('%s changes nothing, and the link still works', async method => {
    const address = `${method.toLowerCase()}@acquirer.example`
    await admin.submit('/recipients', { ...invitation, address })
    const { text } = await mailTo(house, address)
    const { token } = await issueSignInLink(house.owner, systemClock, 'carl')
    const before = await everything()
    const scanner = house.browser('public')
    for (const path of [
      linkIn(text, 'enrol'),
      linkIn(text, 'stop'),
      linkIn(challenge, 'prove'),
      linkIn(challenge, 'stop'),
    ]) {
      const answer = await scanner.call(method, path, undefined, {
        origin: undefined,
        'sec-fetch-site': undefined,
      })
      expect(answer.status).toBe(200)
    }
    const atConsole = house.browser('console')
    expect((await atConsole.call(method, `/sign-in/${token}`)).status).toBe(200)
    expect(await everything()).toEqual(before)
    expect(scanner.cookies.size + atConsole.cookies.size).toBe(0)
    expect((await scanner.submit(linkIn(text, 'enrol'))).status).toBe(303)
    expect((await atConsole.submit(`/sign-in/${token}`)).status).toBe(303)
  })

  test('nor does it learn which links are good', async () => {
    const scanner = house.browser('public')
    const token = 'B'.repeat(43)
    const good = await scanner.get(linkIn(challenge, 'stop'))
    const bad = await scanner.get(`/stop/${token}`)
    const shape = (text: string) => text.replaceAll(/\/stop\/[A-Za-z0-9_-]+/g, '/stop/')
    expect(shape(good.text)).toBe(shape(bad.text))
  })
})

test('no link, code, session, form or query is in the log or the audit log', async () => {
  const { token } = await issueSignInLink(house.owner, systemClock, 'carl')
  const browser = house.browser('console')
  await browser.get(`/sign-in/${token}`)
  await browser.submit(`/sign-in/${token}`)
  await browser.submit(`/sign-in/${token}`)
  await browser.get(`/nothing/${token}?q=4111111111111111`)
  await invited.browser.submit('/enrol/code', { code: '4111111111111111' })
  const written = house.log() + (await house.owner('audit_events').pluck<string[]>('body')).join('\n')
  const secrets = [
    token,
    invited.link.slice(7),
    linkIn(challenge, 'prove').slice(7),
    linkIn(challenge, 'stop').slice(6),
    ...[...browser.cookies, ...admin.cookies, ...invited.browser.cookies].map(([, value]) => value),
    '4111111111111111',
  ]
  for (const secret of secrets) expect(written.includes(secret)).toBe(false)
  // Whom an invitation went to is in the audit log, for evidence; nowhere else.
  expect(house.log()).not.toContain('clara@acquirer.example')
})

describe('every answer', () => {
  test.each<['console' | 'public', string]>([
    ['console', '/'],
    ['console', '/v1/recipients'],
    ['console', '/nothing'],
    ['console', '/sign-in/x'],
    ['public', '/enrol'],
    ['public', '/nothing'],
    ['public', `/enrol/${'x'.repeat(43)}`],
  ])('%s %s is kept by nobody, framed by nobody, runs nothing, loads nothing', async (where, path) => {
    const browser = where === 'console' ? admin : invited.browser
    const { headers, text } = await browser.get(path)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    )
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'strict-transport-security': 'max-age=63072000',
      'cross-origin-opener-policy': 'same-origin',
    })
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('etag')
    expect(text).not.toMatch(/<script|<img|<iframe|<link|javascript:|\son\w+=/i)
  })
})

describe('who may do what', () => {
  test.each([
    ['/recipients', { ...invitation, address: 'r@acquirer.example' }],
    ['/policies', { policy: 'strict' }],
  ])('an auditor gets nothing done at %s, and it is audited', async (path, fields) => {
    const before = await everything()
    const answer = await auditor.submit(path, fields)
    expect(answer.status).toBe(403)
    expect(await everything()).toEqual(before)
    expect((await lastEvents(1))[0]).toMatchObject({
      type: 'request.refused',
      code: 'role_missing',
      actor: { kind: 'operator' },
    })
  })

  test.each(['suspend', 'unenrol', 'reinstate', 'renew-link', 'proposal/reject'])(
    'nor by the API at %s',
    async step => {
      const before = await everything()
      const answer = await auditor.call('POST', `/v1${invited.path}/${step}`)
      expect(answer.status).toBe(403)
      expect(await everything()).toEqual(before)
    },
  )

  test('nobody approves what they asked for: 403, audited, nothing happens', async () => {
    const change = redirectOf(await both.submit(`${invited.path}/verify`, { means: 'phone' }))
    expect((await both.get(change)).text).toContain('You asked for this')
    const before = await everything()
    expect((await both.submit(`${change}/approve`)).status).toBe(403)
    const byApi = await both.call('POST', `/v1/change-requests/${change.slice('/changes/'.length)}/approve`)
    expect([byApi.status, (JSON.parse(byApi.text) as { code: string }).code]).toEqual([403, 'own_request'])
    expect(await everything()).toEqual(before)
    const events = await lastEvents(4)
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'request.refused',
        code: 'own_request',
        actor: { kind: 'operator', id: both.id },
      }),
    )
    expect((await admin.submit(`${change}/approve`)).status).toBe(403)
    expect(await everything()).toEqual(before)

    const approver = await house.signedIn('olga', 'approver')
    const answers = await Promise.all([
      approver.submit(`${change}/approve`),
      approver.submit(`${change}/approve`),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 409])
  })
})

describe('hostile texts', () => {
  const texts = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</title><svg onload=alert(1)>',
    '=HYPERLINK("https://evil.example","x")',
    'javascript:alert(1)',
    '&lt;b&gt;{{7*7}}${7*7}',
  ]

  test('as organisation and reference are shown, and do nothing', async () => {
    for (const [i, organisation] of texts.entries()) {
      const path = redirectOf(
        await admin.submit('/recipients', {
          ...invitation,
          address: `h${i}@hostile.example`,
          organisation,
          saq: organisation,
        }),
      )
      for (const page of [await admin.get(path), await admin.get('/'), await admin.get('/recipients?q=h')]) {
        expect(page.status).toBe(200)
        expect(page.text).not.toMatch(/<script|<img|<svg|\sonmouseover='/i)
        expect(page.text).not.toContain(' href="javascript:')
      }
      const escaped = organisation
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;')
      expect((await admin.get(path)).text).toContain(escaped)
    }
  })

  test.each(['text\u202egnp.exe', 'two\r\nlines', 'a\u0000b', '4111 1111 1111 1111'])(
    '%j is not even taken',
    async organisation => {
      const answer = await admin.submit('/recipients', {
        ...invitation,
        address: 'i@hostile.example',
        organisation,
      })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('organisation')
      expect(answer.text).not.toContain(organisation)
    },
  )

  test('in a query they come back as text', async () => {
    const page = await admin.get(`/recipients?q=${encodeURIComponent('"><img src=x>')}`)
    expect(page.text).toContain('value="&quot;&gt;&lt;img src=x&gt;"')
    expect(page.text).not.toContain('<img')
  })
})

describe('guessing', () => {
  test('after twenty wrong links from one address there is a pause, which right ones of others outlast', async () => {
    const guesser = house.browser('public')
    const answers: number[] = []
    for (let i = 0; i < 25; i++)
      answers.push((await guesser.submit(`/enrol/${'C'.repeat(42)}${i % 10}`)).status)
    expect(answers.slice(0, 15)).toEqual(Array(15).fill(410))
    expect(answers.at(-1)).toBe(429)
    const refused = await guesser.submit(`/enrol/${'C'.repeat(43)}`)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1)
    // Who has a session is not a guesser.
    expect((await invited.browser.get('/enrol')).status).toBe(200)
  })
})
