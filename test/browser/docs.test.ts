import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, openChromium } from '../support/chromium.ts'
import { type House, openHouse } from '../support/house.ts'

const at = 'https://console.gateway.test'

let house: House
let chromium: Chromium
let narrow: BrowserContext
const complaints: string[] = []
const asked: string[] = []

beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  chromium = await openChromium(house)
  narrow = await chromium.open({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' })
  narrow.on('console', message => complaints.push(message.text()))
  narrow.on('weberror', error => complaints.push(String(error.error())))
  narrow.on('request', request => asked.push(request.url()))
})
afterAll(async () => {
  await chromium.close()
  await house.close()
})

async function open(path: string): Promise<Page> {
  const page = await narrow.newPage()
  expect((await page.goto(at + path))?.status()).toBe(200)
  return page
}

test.each([
  ['/docs', 'HTTP API'],
  ['/docs/errors', 'Error codes'],
])('%s fits 320 pixels in the dark, complains of nothing and asks nobody else', async (path, title) => {
  const page = await open(path)
  expect(await page.textContent('h1')).toBe(title)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
  expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(18, 22, 28)')
  const skipped = `[...document.querySelectorAll('h1,h2,h3')].map(heading => Number(heading.tagName[1])).filter((level, i, all) => level > (all[i - 1] ?? 0) + 1)`
  expect(await page.evaluate(skipped)).toEqual([])
  expect(await page.evaluate('document.scripts.length')).toBe(0)
  expect(complaints).toEqual([])
  expect(asked.filter(url => !url.startsWith(`${at}/`))).toEqual([])
  expect(await narrow.cookies()).toEqual([])
})

test('whoever follows what a problem says, or a link of the pages, gets to the place', async () => {
  const page = await open('/docs/errors#sad_detected')
  const top = await page.evaluate(`document.getElementById('sad_detected').getBoundingClientRect().top`)
  expect(Math.abs(Number(top))).toBeLessThan(100)
  expect(await page.locator('#sad_detected').textContent()).toContain('PCI DSS')
  await page.getByRole('link', { name: 'HTTP API' }).click()
  await page.getByRole('link', { name: 'Cancel a message' }).click()
  expect(new URL(page.url()).hash).toBe('#cancelMessage')
  await page.locator('#cancelMessage').getByRole('link', { name: 'nothing_to_cancel' }).click()
  expect(page.url()).toBe(`${at}/docs/errors#nothing_to_cancel`)
})
