import type { BrowserContext } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordEvent } from '../../src/audit/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type Chromium, openChromium } from '../support/chromium.ts'
import { type House, openHouse } from '../support/house.ts'

const at = 'https://console.gateway.test'
const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202egpj.exe'

let house: House
let chromium: Chromium
let auditor: BrowserClient
let narrow: BrowserContext
let delivery: string
const complaints: string[] = []

const until = async (what: string, holds: () => Promise<unknown>): Promise<void> => {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} does not come`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

beforeAll(async () => {
  house = await openHouse()
  await house.addRecipient('disputes@acquirer.example')
  auditor = await house.signedIn('carl', 'auditor')
  const posted = await house.client.post({
    from: house.sender,
    to: ['disputes@acquirer.example'],
    subject: 'Refund',
    text: 'Card',
  })
  delivery = (posted.body as { deliveries: [{ id: string }] }).deliveries[0].id
  await until('the delivery', () =>
    house.owner('deliveries').where({ id: delivery, state: 'delivered' }).first('id'),
  )
  // What a hostile server, application or administrator could have put there.
  await house.owner('messages').update({ reference: hostile })
  await house.owner('attempts').update({ reply: hostile, host: hostile })
  await recordEvent(
    house.owner,
    systemClock,
    { kind: 'peer', address: '<b>peer</b>' },
    {
      type: 'destination.probed',
      domain: '"><i>x</i>',
      ok: false,
      outcome: hostile.replace('\u202e', ''),
    },
  )
  const [seq] = await house.owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('seq')
  await until('the leaf', () => house.owner('audit_leaves').where({ seq: seq! }).first('leaf'))
  chromium = await openChromium(house)
  narrow = await chromium.open(
    { viewport: { width: 320, height: 640 }, javaScriptEnabled: true, colorScheme: 'dark' },
    { [at]: auditor },
  )
  narrow.on('console', message => complaints.push(message.text()))
  narrow.on('dialog', dialog => {
    complaints.push(dialog.message())
    void dialog.dismiss()
  })
})
afterAll(async () => {
  await chromium.close()
  await house.close()
})

describe('an auditor', () => {
  test('searches by keyboard, opens an event and sees its proof', async () => {
    const page = await narrow.newPage()
    await page.goto(`${at}/`)
    await page.getByRole('link', { name: 'Audit log' }).click()
    await page.getByLabel('About').focus()
    await page.keyboard.type(delivery)
    await page.keyboard.press('Enter')
    await page.waitForURL(/about=dlv_/)
    expect(await page.getByLabel('About').inputValue()).toBe(delivery)
    await page.getByRole('link', { name: 'delivery.delivered' }).click()
    expect(await page.textContent('h1')).toBe('Event')
    const text = (await page.textContent('main')) ?? ''
    expect(text).toContain('gateway.test/audit-log')
    expect(text).toContain('"delivery":"')
    await page.close()
  })

  test('finds a delivery and sees how its server was authenticated', async () => {
    const page = await narrow.newPage()
    await page.goto(`${at}/deliveries?about=acquirer.example`)
    await page.getByRole('link', { name: 'To disputes@acquirer.example' }).click()
    const text = (await page.textContent('main')) ?? ''
    expect(text).toContain('a CA or key that the rule of the domain pins')
    expect(text).toContain('TLSv1.3')
    expect(await page.getByRole('link', { name: 'Evidence' }).getAttribute('href')).toMatch(
      /^\/v1\/messages\/msg_[0-9a-z]{26}\/evidence$/,
    )
    await page.close()
  })

  test('meets pages that fit, have labels, and do nothing of what others wrote', async () => {
    const { id } = await house
      .owner('audit_events')
      .where({ type: 'destination.probed' })
      .first<{ id: string }>('id')
    await house.owner('webhooks').insert({
      id: newId('whk', systemClock),
      application_id: (await house.owner('applications').pluck<string[]>('id'))[0],
      url: `https://${'very-long-'.repeat(6)}name.${'x'.repeat(60)}.example:8443/hook`,
      created_at: new Date(),
      called_at: new Date(),
      last_failure: 'not_authenticated',
      failing_since: new Date(),
    })
    const unlabelled = `[...document.querySelectorAll('input:not([type=hidden]),textarea,select')].filter(field => field.labels.length !== 1).map(field => field.name)`
    const skipped = `[...document.querySelectorAll('h1,h2,h3')].map(heading => Number(heading.tagName[1])).filter((level, i, all) => level > (all[i - 1] ?? 0) + 1)`
    const twice = `[...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, i, all) => all.indexOf(id) !== i)`
    for (const path of [
      '/audit',
      `/audit?about=${delivery}`,
      '/audit?about=nothing.example&from=2026-01-01&until=2030-01-01',
      '/audit?from=2026-01-01T00:00:00Z',
      `/audit/${id}`,
      '/deliveries',
      '/deliveries?state=failed',
      `/deliveries/${delivery}`,
      '/webhooks',
    ]) {
      const page = await narrow.newPage()
      expect((await page.goto(at + path))?.status(), path).toBe(200)
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBe(320)
      for (const wrong of [unlabelled, skipped, twice]) expect(await page.evaluate(wrong), path).toEqual([])
      expect(
        await page.evaluate(`document.querySelectorAll('main script,main img,main b,main i').length`),
      ).toBe(0)
      await page.close()
    }
    const page = await narrow.newPage()
    await page.goto(`${at}/deliveries/${delivery}`)
    const text = await page.textContent('main')
    expect(text).toContain('<script>alert(1)</script>')
    // The character that turns text around is shown, not obeyed.
    expect(text).toContain('\ufffdgpj.exe')
    await page.close()
    expect(complaints).toEqual([])
  })

  test.each([
    '/audit?about=%3Cscript%3Ealert(1)%3C/script%3E',
    '/audit?about=a.example%20b.example',
    '/audit?after=x',
    '/audit?type=x',
    '/deliveries?about=opr_00000000000000000000000000',
    '/deliveries?state=x',
  ])('is told that %s is not right, without seeing it again', async path => {
    const answer = await auditor.get(path)
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8'])
    expect(answer.text).toContain('Something in the form is not right')
    expect(answer.text).not.toMatch(/alert|opr_0|b\.example/)
  })
})

test('others have neither the links nor the pages', async () => {
  const [admin, approver] = [await house.signedIn('anna', 'admin'), await house.signedIn('bert', 'approver')]
  expect((await admin.get('/')).text).not.toContain('href="/audit"')
  expect((await admin.get('/')).text).toContain('href="/deliveries"')
  expect((await approver.get('/')).text).not.toMatch(/href="\/(?:audit|deliveries)"/)
  expect((await admin.get('/audit')).status).toBe(403)
  expect((await approver.get('/deliveries')).status).toBe(403)
  expect((await approver.get(`/deliveries/${delivery}`)).status).toBe(403)
  const seen = (await admin.get(`/deliveries/${delivery}`)).text
  expect(seen).not.toMatch(/evidence|href="\/audit/)
})
