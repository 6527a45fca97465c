import sparticuz from '@sparticuz/chromium'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addOperator, issueSignInLink, type OperatorRole } from '../../src/access/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { GnuPg } from '../interop/gnupg.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'

/*
 * The whole way, as people walk it: Chromium without JavaScript, a key made by GnuPG, mails read by GnuPG. Each test
 * is a step and needs those before it.
 */

const mailbox = 'clara@acquirer.example' as Address
const nextYear = new Date(Date.now() + 300 * 86_400_000).toISOString().slice(0, 10)

const opened = new AsyncDisposableStack()
let house: House
let gpg: GnuPg
let browser: Browser
let ada: Page
let grace: Page
let clara: Page
let fingerprint: string
let queued: string

beforeAll(async () => {
  house = opened.adopt(await openHouse(), running => running.close())
  await house.route('acquirer.example')
  gpg = opened.use(await GnuPg.open())
  fingerprint = await gpg.generate(mailbox, 'ed25519', 'cv25519')
  await gpg.run(['--import'], house.signer)
  const { consolePort, publicPort } = house.gateway
  const map = `MAP console.gateway.test:443 127.0.0.1:${consolePort}, MAP keys.gateway.test:443 127.0.0.1:${publicPort}`
  browser = opened.adopt(
    await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      args: [...sparticuz.args, `--host-resolver-rules=${map}`],
    }),
    running => running.close(),
  )
  ada = await signIn('ada', 'admin')
  grace = await signIn('grace', 'approver')
  clara = await page()
})
afterAll(() => opened.disposeAsync())

describe('from an invitation to a message, and to its end', () => {
  test('ada invites clara', async () => {
    await ada.goto('https://console.gateway.test/recipients/new')
    await ada.getByLabel('Address').fill(mailbox)
    await ada.getByLabel('Organisation').fill('Acquirer <b>Ltd</b>')
    await ada.getByLabel('Supplier').check()
    await ada.getByLabel('Telephone for the check of the fingerprint').fill('+31 20 123 4567')
    await ada.getByLabel('They keep our mail for at most this many days').fill('30')
    for (const kind of ['contract', 'aoc', 'retention']) {
      await ada.locator(`#${kind}`).fill(`${kind} of 2026`)
      await ada.locator(`#${kind}Until`).fill(nextYear)
    }
    await ada.getByRole('button', { name: 'Send the invitation' }).click()
    expect(await ada.locator('main').textContent()).toContain('Acquirer <b>Ltd</b>')
  })

  test('clara opens the link of the mail, once', async () => {
    const link = linkIn((await mailFor(mailbox)).text, 'enrol')
    await clara.goto(link)
    await clara.getByRole('button', { name: 'Begin' }).click()
    expect(clara.url()).toBe('https://keys.gateway.test/enrol')

    const other = await page()
    await other.goto(link)
    await other.getByRole('button', { name: 'Begin' }).click()
    expect(await other.locator('main').textContent()).toContain('used already')
  })

  test('her private key is refused, and she is told to revoke it', async () => {
    await give(await gpg.exportedSecret(fingerprint))
    const told = await clara.locator('main').textContent()
    expect(told).toContain('private key')
    expect(told).toContain('revoke')
  })

  test('her certificate is good; a code comes that only her key can read', async () => {
    await give(await gpg.exported(fingerprint))
    const { content } = await gpg.decrypt((await mailFor(mailbox)).bytes)
    const { text = '' } = await PostalMime.parse(content)
    const returning = await page()
    await returning.goto(linkIn(text, 'prove'))
    await returning.getByRole('button', { name: 'Return the code' }).click()
    expect(await returning.locator('main').textContent()).toContain('Proved')
  })

  test('both sides see the same fingerprint, as GnuPG has it; ada records that it was compared', async () => {
    await clara.reload()
    await ada.reload()
    for (const side of [clara, ada]) {
      const shown = (await side.locator('main').textContent())?.replaceAll(/\s/g, '') ?? ''
      expect(shown).toContain(fingerprint)
    }
    const words = await Promise.all([clara, ada].map(side => side.locator('.words').first().textContent()))
    expect(words[0]).toBe(words[1])
    await ada.getByLabel('By telephone, on a number that I know').check()
    await ada.getByRole('button', { name: 'It is the same: ask for approval' }).click()
    expect(await ada.locator('main').textContent()).toContain('somebody else has to approve it')
  })

  test('grace approves', async () => {
    await grace.goto(ada.url())
    await grace.getByRole('button', { name: 'Approve' }).click()
    expect(await grace.locator('main').textContent()).toContain('approved')
    expect((await mailFor(mailbox)).subject).toContain('now in use')
  })

  test('a message waits, because her mail server is away', async () => {
    await house.route('acquirer.example', 9)
    const answer = await post()
    expect(answer.status).toBe(202)
    queued = `/v1/messages/${(answer.body as { id: string }).id}`
    await eventually('an attempt failed', async () =>
      JSON.stringify((await house.client.get(queued)).body).includes('connect_failed'),
    )
  })

  test('another one, with a card number, arrives, and GnuPG reads it', async () => {
    await house.route('acquirer.example')
    expect((await post()).status).toBe(202)
    const mail = await mailFor(mailbox)
    expect(mail.bytes.includes('4111')).toBe(false)
    const { text } = await PostalMime.parse((await gpg.decrypt(mail.bytes)).content)
    expect(text).toContain('4111 1111 1111 1111')
  })

  test('ada revokes the key: the one that waits is cancelled, the next one is refused', async () => {
    await ada.goto(`https://console.gateway.test/keys/${fingerprint}`)
    await ada.getByLabel('Compromised').check()
    await ada.getByRole('button', { name: 'Revoke now' }).click()
    expect(await ada.locator('main').textContent()).toContain('revoked')

    const { body } = await house.client.get(queued)
    expect(body).toMatchObject({ state: 'failed', deliveries: [{ outcome: 'certificate_revoked' }] })
    expect(await post()).toMatchObject({
      status: 422,
      body: { code: 'recipients_refused', recipients: [{ address: mailbox, code: 'certificate_revoked' }] },
    })
  })
})

async function page(): Promise<Page> {
  // The CA is the house's own; that its name and chain are verified is other tests' matter.
  const context: BrowserContext = await browser.newContext({
    ignoreHTTPSErrors: true,
    javaScriptEnabled: false,
  })
  return context.newPage()
}

async function signIn(name: string, role: OperatorRole): Promise<Page> {
  await addOperator(house.owner, systemClock, {
    name,
    address: `${name}@payments.example` as Address,
    roles: [role],
  })
  const { token } = await issueSignInLink(house.owner, systemClock, name)
  const own = await page()
  await own.goto(`https://console.gateway.test/sign-in/${token}`)
  await own.getByRole('button', { name: 'Sign in' }).click()
  return own
}

async function give(file: Buffer): Promise<void> {
  await clara.goto('https://keys.gateway.test/enrol')
  await clara
    .getByLabel('File with your public key')
    .setInputFiles({ name: 'clara.pgp', mimeType: 'application/octet-stream', buffer: file })
  await clara.getByRole('button', { name: 'Check this key' }).click()
}

let read = 0
/** The next mail for an address. */
async function mailFor(to: string): Promise<{ bytes: Buffer; text: string; subject: string }> {
  const mine = () => house.inbox.filter(mail => mail.to.includes(to))
  await eventually(`mail ${read + 1} for ${to}`, () => mine().length > read, 60)
  const { bytes } = mine()[read++] ?? { bytes: Buffer.of() }
  const { text = '', subject = '' } = await PostalMime.parse(bytes)
  return { bytes, text, subject }
}

function linkIn(text: string, purpose: string): string {
  const [link] = new RegExp(`https://keys.gateway.test/${purpose}/[\\w-]+`).exec(text) ?? []
  if (link === undefined) throw new Error(`no link to ${purpose} in: ${text}`)
  return link
}

function post() {
  return house.client.post({
    from: house.sender,
    to: [mailbox],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
  })
}
