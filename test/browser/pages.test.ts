import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BrowserClient } from '../support/browser-client.ts'
import { type Chromium, openChromium } from '../support/chromium.ts'
import { invite, prove } from '../support/enrolment.ts'
import { type House, openHouse } from '../support/house.ts'

const atConsole = 'https://console.gateway.test'
const atKeys = 'https://keys.gateway.test'

let house: House
let chromium: Chromium
let admin: BrowserClient
let narrow: BrowserContext
const complaints: string[] = []
const addresses: string[] = []

beforeAll(async () => {
  house = await openHouse()
  admin = await house.signedIn('anna', 'admin')
  const invited = await invite(house, admin, 'clara@acquirer.example', {
    organisation: 'Acquirer-Clearing-and-Dispute-Handling-Company-With-A-Long-Name B.V.',
  })
  await prove(house, invited)
  const fresh = await invite(house, admin, 'dora@acquirer.example')
  const change = (await admin.submit(`${invited.path}/verify`, { means: 'phone' })).headers.location ?? ''
  const servers = 'a-mail-server-with-a-long-name.in-a-data-centre.acquirer.example:465 implicit'
  const rule =
    (await admin.submit('/destinations/acquirer.example', { mode: 'secure', servers })).headers.location ?? ''
  chromium = await openChromium(house)
  narrow = await chromium.open(
    { viewport: { width: 320, height: 640 }, javaScriptEnabled: false, colorScheme: 'dark' },
    { [atConsole]: admin, [atKeys]: fresh.browser },
  )
  narrow.on('console', message => complaints.push(message.text()))
  addresses.push(
    ...[
      '/',
      '/recipients',
      '/recipients/new',
      '/recipients/import',
      '/changes',
      '/policies',
      '/destinations',
      '/destinations/acquirer.example',
      '/destinations/unheard-of.example',
      rule,
      invited.path,
      change,
    ].map(path => atConsole + path),
    ...['/enrol', `/enrol/${'x'.repeat(43)}`, `/prove/${'x'.repeat(43)}`, `/stop/${'x'.repeat(43)}`].map(
      path => atKeys + path,
    ),
  )
})
afterAll(async () => {
  await chromium.close()
  await house.close()
})

const everyPage = async (look: (page: Page, address: string) => Promise<void>): Promise<void> => {
  for (const address of addresses) {
    const page = await narrow.newPage()
    expect((await page.goto(address))?.status(), address).toBe(200)
    await look(page, address)
    await page.close()
  }
}

describe('without JavaScript, on 320 pixels, in the dark, every page', () => {
  test('fits, is styled, and asks for nothing that the policy forbids', async () => {
    await everyPage(async (page, address) => {
      expect(await page.evaluate('document.documentElement.scrollWidth'), address).toBe(320)
      // The stylesheet passed the content security policy, and its dark half applies.
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor'), address).toBe(
        'rgb(18, 22, 28)',
      )
    })
    expect(complaints).toEqual([])
  })

  test('has one heading of the first level, a language, and a label for whatever is filled in', async () => {
    const unlabelled = `[...document.querySelectorAll('input:not([type=hidden]),textarea,select')].filter(field => field.labels.length !== 1).map(field => field.name)`
    const skipped = `[...document.querySelectorAll('h1,h2,h3')].map(heading => Number(heading.tagName[1])).filter((level, i, all) => level > (all[i - 1] ?? 0) + 1)`
    const twice = `[...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, i, all) => all.indexOf(id) !== i)`
    await everyPage(async (page, address) => {
      expect(await page.evaluate(`document.querySelectorAll('h1').length`), address).toBe(1)
      expect(await page.evaluate('document.documentElement.lang'), address).toBe('en')
      for (const wrong of [unlabelled, skipped, twice])
        expect(await page.evaluate(wrong), address).toEqual([])
    })
  })

  test('can be used by keyboard: what has the focus shows it', async () => {
    const page = await narrow.newPage()
    await page.goto(`${atKeys}/enrol`)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.id')).toBe('file')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
  })
})

test('a form of another site, in a real browser, arrives without the session', async () => {
  const page = await narrow.newPage()
  await page.route('https://evil.example/', route =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${atConsole}/recipients"><input name="address" value="x@y.example"><button>Win</button></form>`,
    }),
  )
  await page.goto('https://evil.example/')
  await page.getByRole('button', { name: 'Win' }).click()
  await page.waitForURL(`${atConsole}/recipients`)
  expect(await page.textContent('h1')).toBe('This did not come from our pages')
  expect(await house.owner('recipients').where({ address: 'x@y.example' }).first('id')).toBeUndefined()
})
