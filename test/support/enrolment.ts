import { type Correspondent, createCorrespondent } from '../../src/demo/index.ts'
import type { Address } from '../../src/kernel/index.ts'
import type { Answer, BrowserClient } from './browser-client.ts'
import type { House } from './house.ts'

/** A recipient on their way, with their browser at their page. */
export interface Invited {
  readonly path: `/recipients/${string}`
  readonly correspondent: Correspondent
  readonly browser: BrowserClient
  /** The link that their browser has used. */
  readonly link: string
}

export const invitation = {
  organisation: 'Acquirer',
  kind: 'customer',
  phone: '+31 20 123 4567',
  retentionDays: '30',
  saq: 'SAQ-D 2026',
  saqUntil: '2099-01-01',
  retention: 'Annex 3',
  retentionUntil: '2099-01-01',
} as const

/** The path of the first link of that kind in a mail. */
export function linkIn(text: string, kind: 'enrol' | 'prove' | 'stop'): string {
  const found = new RegExp(`https://keys\\.gateway\\.test(/${kind}/\\S+)`).exec(text)?.[1]
  if (found === undefined) throw new Error(`no ${kind} link in: ${text}`)
  return found
}

/** The newest mail to an address, once there are `count` of them. */
export async function mailTo(
  house: House,
  address: string,
  count = 1,
): Promise<{ text: string; bytes: Buffer }> {
  const deadline = Date.now() + 15_000
  for (;;) {
    const mails = house.inbox.filter(({ to }) => to.includes(address))
    const mail = mails.at(count - 1)
    if (mail !== undefined) return { text: mail.bytes.toString(), bytes: mail.bytes }
    if (Date.now() > deadline)
      throw new Error(`${mails.length} of ${count} mails to ${address}; log:\n${house.log()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Invites by the console, and opens the link of the mail that came. */
export async function invite(
  house: House,
  admin: BrowserClient,
  address: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Invited> {
  await house.route(address.slice(address.indexOf('@') + 1))
  const correspondent = await createCorrespondent(address as Address)
  const answer = await admin.submit('/recipients', { ...invitation, address, ...changes })
  const link = linkIn((await mailTo(house, address)).text, 'enrol')
  const browser = house.browser('public')
  const opened = await browser.submit(link)
  if (opened.status !== 303) throw new Error(`the link answered ${opened.status}: ${opened.text}`)
  return { path: redirectOf(answer) as Invited['path'], correspondent, browser, link }
}

/** Gives the certificate, decrypts the mail with the code, and returns it; gives what the mail said. */
export async function prove(house: House, { browser, correspondent }: Invited): Promise<string> {
  const given = await browser.upload('/enrol/certificate', 'file', correspondent.certificate)
  if (given.status !== 303) throw new Error(`the upload answered ${given.status}: ${given.text}`)
  const { bytes } = await mailTo(house, correspondent.address, 2)
  const { text = '' } = await house.read(correspondent, { from: '', to: [correspondent.address], bytes })
  const answer = await browser.submit(linkIn(text, 'prove'))
  if (answer.status !== 200) throw new Error(`the code answered ${answer.status}: ${answer.text}`)
  return text
}

/** Where an answer leads. */
export function redirectOf({ status, headers, text }: Answer): string {
  if (status !== 303 || headers.location === undefined) throw new Error(`${status}: ${text}`)
  return headers.location
}
