import chromium from '@sparticuz/chromium'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium as launcher,
} from 'playwright-core'
import type { BrowserClient } from './browser-client.ts'
import type { House } from './house.ts'

/** A real browser that finds the console and the recipients' pages of a house by their names. */
export interface Chromium {
  readonly browser: Browser
  /** Somebody's windows. `signedIn`: whose cookies they bring along, and to which origin. */
  open(
    options?: BrowserContextOptions,
    signedIn?: Readonly<Record<string, BrowserClient>>,
  ): Promise<BrowserContext>
  close(): Promise<void>
}

export async function openChromium(house: Pick<House, 'gateway'>): Promise<Chromium> {
  const { consolePort = 0, publicPort = 0 } = house.gateway
  const names = `MAP console.gateway.test:443 127.0.0.1:${consolePort}, MAP keys.gateway.test:443 127.0.0.1:${publicPort}`
  const browser = await launcher.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args, `--host-resolver-rules=${names}`],
    headless: true,
  })
  return {
    browser,
    async open(options = {}, signedIn = {}) {
      // The throw-away CA of the house is in no browser's store.
      const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
      for (const [url, { cookies }] of Object.entries(signedIn)) {
        await context.addCookies(
          [...cookies].map(([name, value]) => ({
            name,
            value,
            url,
            secure: true,
            httpOnly: true,
            sameSite: 'Strict',
          })),
        )
      }
      return context
    },
    close: () => browser.close(),
  }
}
