import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OperatorId } from '../../src/kernel/index.ts'
import type { Answer, BrowserClient } from '../support/browser-client.ts'
import { invitation, redirectOf } from '../support/enrolment.ts'
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
const idOf = (answer: Answer) => String(json(answer)['id'])
const pin = createHash('sha256').update('a key').digest('base64')
const other = createHash('sha256').update('another key').digest('base64')
const hosts = [{ name: 'mx.partner.example', port: 465, tls: 'implicit' }]
const pinned = { mode: 'pinned', hosts, pins: { spkiSha256: [pin] } }
const wish = (client: BrowserClient, domain: unknown, rule: unknown) =>
  client.call('POST', '/v1/destinations', { domain, rule })
const shown = async (domain: string) => json(await auditor.call('GET', `/v1/destinations/${domain}`))

describe('by API', () => {
  test('auto at once; then another, by two; then none, by two', async () => {
    const set = await wish(admin, 'partner.example', { mode: 'auto' })
    expect([set.status, set.headers.location]).toEqual([201, '/v1/destinations/partner.example'])
    expect(json(set)).toMatchObject({ rule: { mode: 'auto' }, history: [{ actor: { id: admin.id } }] })

    const asked = await wish(admin, 'partner.example', pinned)
    expect([asked.status, asked.headers.location]).toEqual([202, `/v1/change-requests/${idOf(asked)}`])
    expect(await shown('partner.example')).toMatchObject({
      rule: { mode: 'auto' },
      waiting: { id: idOf(asked), body: { rule: pinned } },
    })
    expect((await admin.call('POST', `/v1/change-requests/${idOf(asked)}/approve`)).status).toBe(403)
    expect((await approver.call('POST', `/v1/change-requests/${idOf(asked)}/approve`)).status).toBe(200)
    expect(await shown('partner.example')).toMatchObject({ rule: pinned, waiting: null })

    const gone = await wish(admin, 'partner.example', null)
    await approver.call('POST', `/v1/change-requests/${idOf(gone)}/approve`)
    expect(await shown('partner.example')).toMatchObject({
      rule: null,
      history: [{ type: 'destination.removed' }, { mode: 'pinned' }, { mode: 'auto' }],
    })
  })

  test('a list in pages, by mode and beginning, with domains that lack a rule', async () => {
    for (const name of ['a', 'b', 'c']) await wish(admin, `${name}.paging.example`, { mode: 'auto' })
    await admin.call('POST', '/v1/recipients', { ...recipient, address: 'ida@nowhere.example' })
    const seen: unknown[] = []
    for (let after = ''; ; ) {
      const page = json(await auditor.call('GET', `/v1/destinations?mode=auto&limit=1${after}`)) as {
        destinations: { domain: string }[]
        next: string | null
        withoutRule: string[]
      }
      expect(page.withoutRule).toContain('nowhere.example')
      seen.push(...page.destinations.map(({ domain }) => domain))
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    expect(seen).toEqual(['a.paging.example', 'b.paging.example', 'c.paging.example'])
    const { destinations } = json(await auditor.call('GET', '/v1/destinations?q=b.pag')) as {
      destinations: unknown[]
    }
    expect(destinations).toMatchObject([{ domain: 'b.paging.example', hosts: [], last: null }])
    expect((await auditor.get('/destinations?mode=auto&limit=1')).text).toContain(
      'href="/destinations?mode=auto&amp;limit=1&amp;after=a.paging.example"',
    )
  })

  test.each([
    ['a domain in capitals', 'Partner.example', { mode: 'auto' }],
    ['no domain', 'partner example', { mode: 'auto' }],
    ['an address', '192.0.2.1', { mode: 'auto' }],
    ['a mode that is none', 'x.example', { mode: 'opportunistic' }],
    ['may', 'x.example', { mode: 'auto', floor: 'secure' }],
    ['pins without a pin', 'x.example', { ...pinned, pins: {} }],
    ['no servers', 'x.example', { mode: 'secure', hosts: [] }],
    ['a field too many', 'x.example', { mode: 'auto', verify: false }],
    ['a CA that is none', 'x.example', { ...pinned, pins: { ca: 'x' } }],
    ['no rule', 'x.example', undefined],
  ])('%s is refused', async (_name, domain, rule) => {
    const answer = await wish(admin, domain, rule)
    expect(answer.status).toBe(400)
    expect(json(answer)).toMatchObject({ code: 'invalid_request' })
    expect((await shown('x.example'))['rule']).toBeNull()
  })

  test('is for operators; asking is for admins', async () => {
    for (const path of ['/v1/destinations', '/v1/destinations/x.example'])
      expect((await house.browser('console').call('GET', path)).status).toBe(401)
    for (const client of [approver, auditor]) {
      expect((await wish(client, 'x.example', { mode: 'auto' })).status).toBe(403)
      expect((await client.submit('/destinations/x.example', { mode: 'auto' })).status).toBe(403)
    }
    expect((await auditor.call('GET', '/v1/destinations/x_y')).status).toBe(404)
    expect((await shown('x.example'))['rule']).toBeNull()
  })
})

const recipient = {
  organisation: invitation.organisation,
  kind: 'supplier',
  phone: invitation.phone,
  retentionDays: 30,
}

describe('by pages', () => {
  test('a domain without a rule gets auto by a button', async () => {
    const before = await admin.get('/destinations/button.example')
    expect(before.text).toContain('This domain has no rule: nothing is sent there.')
    expect((await auditor.get('/destinations/button.example')).text).not.toContain('Set auto now')
    expect(redirectOf(await admin.submit('/destinations/button.example', { mode: 'auto' }))).toBe(
      '/destinations/button.example',
    )
    const after = (await auditor.get('/destinations/button.example')).text
    expect(after).toContain('The rule: auto')
    expect(after).toContain('MTA-STS policy in mode enforce')
    expect(after).toContain('anna')
  })

  test('a pinned rule is asked for by a form, shown in words to who approves, and then holds', async () => {
    const path = '/destinations/form.example'
    const change = redirectOf(
      await admin.submit(path, {
        mode: 'pinned',
        servers: 'mx1.form.example\r\n MX2.form.example:587 \r\nmx3.form.example implicit\r\n',
        spki: `${pin}\r\n${other}`,
        ca: '',
        floor: '',
        requireTls: 'must',
        connections: '4',
        messagesPerMinute: '',
      }),
    )
    const asked = (await approver.get(change)).text
    expect(asked).toContain('mx1.form.example:25 (STARTTLS)')
    expect(asked).toContain(other)
    expect(asked).toContain('No rule: nothing is sent there.')
    expect(asked).toContain('did somebody compare the pins')
    expect((await admin.get(path)).text).toContain('Waiting for a second person')
    redirectOf(await approver.submit(`${change}/approve`))
    expect(await shown('form.example')).toMatchObject({
      rule: {
        mode: 'pinned',
        hosts: [
          { name: 'mx1.form.example', port: 25, tls: 'starttls' },
          { name: 'mx2.form.example', port: 587, tls: 'starttls' },
          { name: 'mx3.form.example', port: 465, tls: 'implicit' },
        ],
        pins: { spkiSha256: [pin, other] },
        requireTls: 'must',
        limits: { connections: 4 },
      },
    })
    const filled = (await admin.get(path)).text
    expect(filled).toContain('mx3.form.example:465 implicit')
    const away = redirectOf(await admin.submit(path, { mode: 'none' }))
    expect((await approver.get(away)).text).toContain('No rule any more: nothing is sent there.')
  })

  test.each([
    ['pins for auto', { mode: 'auto', spki: pin }, 'spki'],
    ['servers for auto', { mode: 'auto', servers: 'mx.a.example' }, 'servers'],
    ['a CA for secure', { mode: 'secure', servers: 'mx.a.example', ca: 'x' }, 'ca'],
    ['a server that is none', { mode: 'secure', servers: 'mx.a.example 25 plain' }, 'servers'],
    ['a port that is none', { mode: 'secure', servers: 'mx.a.example:99999' }, 'rule hosts 0 port'],
    ['no servers', { mode: 'secure' }, 'rule hosts'],
    ['no pins', { mode: 'pinned', servers: 'mx.a.example' }, 'rule pins'],
    ['words for a number', { mode: 'auto', connections: 'many' }, 'rule limits connections'],
    ['no mode', {}, 'rule mode'],
  ])('%s: refused, naming the place', async (_name, fields, place) => {
    const answer = await admin.submit('/destinations/refused.example', fields)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain(`<strong>${place}</strong>`)
    expect((await shown('refused.example'))['rule']).toBeNull()
  })

  test('a request about a rule that is no longer in force says so to who approves', async () => {
    await wish(admin, 'moved.example', { mode: 'auto' })
    const change = redirectOf(
      await admin.submit('/destinations/moved.example', { mode: 'secure', servers: 'mx.moved.example' }),
    )
    await house.route('moved.example')
    expect((await approver.get(change)).text).toContain('The rule was changed since this was asked.')
    expect((await approver.submit(`${change}/approve`)).status).toBe(409)
  })

  test('the way to a domain by its name', async () => {
    expect(redirectOf(await admin.get('/destinations/find?domain=%20Found.Example'))).toBe(
      '/destinations/found.example',
    )
    expect((await admin.get('/destinations/find?domain=a%40b')).status).toBe(400)
    expect((await admin.get('/destinations/%3Cb%3E')).status).toBe(404)
  })
})

describe('what became of mail', () => {
  test('the last attempt and by what its server was authenticated, in the list and on the page', async () => {
    await house.addRecipient('kim@mailed.example')
    const { status } = await house.client.post({
      from: house.sender,
      to: ['kim@mailed.example'],
      subject: 'Hello',
      text: 'Hello',
    })
    expect(status).toBe(202)
    await house.received(1)
    await expect
      .poll(async () => (await shown('mailed.example'))['lastDelivered'], { timeout: 15_000 })
      .toMatchObject({ outcome: 'delivered', host: 'localhost', tls: { rule: 'pinned', version: 'TLSv1.3' } })
    for (const path of ['/destinations?q=mailed', '/destinations/mailed.example']) {
      expect((await auditor.get(path)).text).toMatch(
        /<strong>delivered<\/strong>.*authenticated by its pins, TLSv1\.3/s,
      )
    }
  })

  test('a recipient whose domain has no rule is invited with a warning', async () => {
    const answer = await admin.call('POST', '/v1/recipients', {
      ...recipient,
      address: 'kai@unruled.example',
    })
    expect(json(answer)).toMatchObject({ warnings: ['destination_missing'] })
    const page = await admin.get(`/recipients/${idOf(answer)}`)
    expect(page.text).toContain('not even the invitation')
    expect(page.text).toContain('href="/destinations/unruled.example"')
    await wish(admin, 'unruled.example', { mode: 'auto' })
    expect((await admin.get(`/recipients/${idOf(answer)}`)).text).not.toContain('not even the invitation')
    const next = await admin.call('POST', '/v1/recipients', { ...recipient, address: 'kim@unruled.example' })
    expect(json(next)).toMatchObject({ warnings: [] })
  })
})

describe('probed', () => {
  const probe = (client: BrowserClient, body: object = {}) =>
    client.call('POST', '/v1/destinations/probed.example/probe', body)

  test('by API: whether mail could go, without a mail; audited', async () => {
    await house.route('probed.example')
    const before = house.inbox.length
    const answer = await probe(approver)
    expect(answer.status).toBe(200)
    expect(json(answer)).toMatchObject({
      ruleIs: 'stored',
      servers: [{ host: 'localhost', result: { ok: true, evidence: { rule: 'pinned' } } }],
      verdict: { ok: true, level: 'pinned' },
    })
    expect(json(await probe(admin, { rule: { mode: 'secure', hosts: await hostsOf() } }))).toMatchObject({
      ruleIs: 'given',
      verdict: { ok: false, outcome: 'tls_certificate_untrusted' },
    })
    expect(house.inbox).toHaveLength(before)
    const events = await house
      .owner('audit_events')
      .where({ type: 'destination.probed' })
      .orderBy('seq')
      .pluck<string[]>('body')
    expect(events.map(body => JSON.parse(body) as unknown)).toMatchObject([
      { domain: 'probed.example', ok: true, outcome: null, actor: { kind: 'operator' } },
      { domain: 'probed.example', ok: false, outcome: 'tls_certificate_untrusted', actor: { id: admin.id } },
    ])
  })

  test('by page: the rule in force, or the one that waits for approval', async () => {
    await house.route('probed.example')
    expect((await approver.get('/destinations/probed.example')).text).toContain('Probe the way there')
    const page = await approver.submit('/destinations/probed.example/probe')
    expect(page.status).toBe(200)
    expect(page.text).toContain('Mail can go: pinned uses the pins of the rule for localhost.')
    expect(page.text).toMatch(/authenticated \(pinned\)/)

    const asked = await wish(admin, 'probed.example', {
      mode: 'pinned',
      hosts: await hostsOf(),
      pins: { spkiSha256: [pin] },
    })
    const change = idOf(asked)
    expect((await approver.get(`/changes/${change}`)).text).toContain('Probe the way by this rule')
    const other = (await approver.submit('/destinations/probed.example/probe', { change })).text
    expect(other).toContain('Mail cannot go.')
    expect(other).toContain('A rule that would do')
    expect((await approver.submit('/destinations/other.example/probe', { change })).status).toBe(404)
  })

  test('not by auditors, and not without end', async () => {
    expect((await probe(auditor)).status).toBe(403)
    expect((await auditor.get('/destinations/probed.example')).text).not.toContain('Probe the way there')
    const eager = await house.signedIn('dora', 'admin')
    const answers = await Promise.all(Array.from({ length: 12 }, () => probe(eager)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(6)
    expect(statuses).toContain(429)
  })

  const hostsOf = async () => {
    const { rule } = await shown('probed.example')
    return (rule as { hosts: unknown }).hosts
  }
})
