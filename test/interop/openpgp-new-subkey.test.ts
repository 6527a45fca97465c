import { createServer } from 'node:net'
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Address } from '../../src/kernel/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type Invited, invite, linkIn } from '../support/enrolment.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { GnuPg } from './gnupg.ts'

/*
 * What most owners of a key do once a year: `gpg --quick-add-key`, under the key that they have. Each test goes on from the
 * one before it.
 */

const mailbox = 'reader@subkeys.test' as Address
const opened = new AsyncDisposableStack()
let house: House
let gpg: GnuPg
let admin: BrowserClient
let approver: BrowserClient
let reader: Invited
let fingerprint: string
let first: string
let second: string
let nowhere: number

beforeAll(async () => {
  house = opened.adopt(await openHouse(), running => running.close())
  gpg = opened.use(await GnuPg.open())
  await gpg.run(['--import'], house.signer)
  const lastMonth = new Date(Date.now() - 30 * 86_400_000).toISOString().replaceAll(/[-:]|\.\d+Z/g, '')
  fingerprint = await gpg.generate(mailbox, 'ed25519', 'cv25519', ['--faked-system-time', lastMonth])
  admin = await house.signedIn('ada', 'admin')
  approver = await house.signedIn('grace', 'approver')
  reader = await invite(house, admin, mailbox)
  nowhere = await closedPort()
})
afterAll(() => opened.disposeAsync())

test('the key is enrolled with its first subkey, and a message comes', async () => {
  await give()
  await approve()
  ;[first] = await encryptionSubkeys()
  expect(await inUse()).toEqual([[first, 'active']])
  await post('one')
  expect(await readBy('one')).toBe(first)
})

let waiting: readonly string[]

test('with a new subkey it is proposed; until that is approved, messages go to the first one', async () => {
  await gpg.run(['--quick-add-key', fingerprint, 'cv25519', 'encr', '1y'])
  ;[, second] = await encryptionSubkeys()
  expect(second).not.toBe(first)
  await give()
  expect(await inUse()).toEqual([[first, 'active']])
  await cutOff()
  waiting = [await post('two'), await post('three')]
  for (const id of waiting) expect(await settled(id)).toBe('queued')
})

test('once it is approved, messages go to the new subkey; what waits for the old one still goes out', async () => {
  await approve()
  expect(await inUse()).toEqual([
    [second, 'active'],
    [first, 'retired'],
  ])
  const newer = [await post('four'), await post('five')]
  for (const id of newer) expect(await settled(id)).toBe('queued')
  waiting = [...waiting, ...newer]
  await house.route('subkeys.test')
  for (const [i, subject] of [
    [0, 'two'],
    [2, 'four'],
  ] as const) {
    await release(waiting[i] ?? '')
    expect(await readBy(subject)).toBe(i === 0 ? first : second)
  }
})

test('the page of the key shows both subkeys, and the report of what it opens tells them apart', async () => {
  const page = (await admin.get(`/keys/${fingerprint}`)).text.replaceAll(/\s/g, '')
  for (const subkey of [first, second]) expect(page).toContain(subkey)
  const answer = await admin.call('GET', `/v1/keys/${fingerprint}/exposure`)
  const { rows } = JSON.parse(answer.text) as { rows: { encryptionSubkey: string }[] }
  const told = rows.map(({ encryptionSubkey }) => encryptionSubkey)
  expect(new Set(told)).toEqual(new Set([first, second]))
  expect(told.filter(subkey => subkey === second)).toHaveLength(2)
})

test('a revocation of the key stops what waits for either, and no subkey of it is ever taken again', async () => {
  const revoked = await admin.call('POST', `/v1/keys/${fingerprint}/revoke`, { reason: 'compromised' })
  expect(JSON.parse(revoked.text)).toMatchObject({ outcome: 'revoked' })
  expect((await inUse()).map(([, state]) => state)).toEqual(['revoked', 'revoked'])
  for (const id of [waiting[1], waiting[3]]) {
    await release(id ?? '')
    expect(await outcomeOf(id ?? '')).toMatchObject({ state: 'failed', outcome: 'certificate_revoked' })
  }
  await gpg.run(['--quick-add-key', fingerprint, 'cv25519', 'encr', '1y'])
  const refused = await reader.browser.upload('/enrol/certificate', 'file', await gpg.exported(fingerprint))
  expect(refused.status).toBe(409)
  const posted = await house.client.post(message('six'))
  expect(posted).toMatchObject({ status: 422 })
})

/** Uploads the key as it is now, and returns the code that only its newest subkey reads. */
async function give(): Promise<void> {
  const before = sealedMails().length
  const given = await reader.browser.upload('/enrol/certificate', 'file', await gpg.exported(fingerprint))
  expect([given.status, given.text]).toMatchObject([303, expect.stringContaining('/enrol')])
  await eventually('the mail with the code', () => sealedMails().length > before)
  const { content } = await gpg.decrypt(sealedMails().at(-1)?.bytes ?? Buffer.alloc(0))
  const { text = '' } = await PostalMime.parse(content)
  expect((await reader.browser.submit(linkIn(text, 'prove'))).status).toBe(200)
}

async function approve(): Promise<void> {
  const asked = await admin.call('POST', `/v1${reader.path}/proposal/verify`, { means: 'phone' })
  const { id } = JSON.parse(asked.text) as { id: string }
  const approved = await approver.call('POST', `/v1/change-requests/${id}/approve`)
  expect([approved.status, approved.text]).toMatchObject([200, expect.stringContaining('approved')])
}

async function inUse(): Promise<(readonly [string, string])[]> {
  const answer = await admin.call('GET', `/v1/keys/${fingerprint}`)
  const { subkeys } = JSON.parse(answer.text) as { subkeys: { encryptionSubkey: string; state: string }[] }
  return subkeys.map(({ encryptionSubkey, state }) => [encryptionSubkey, state] as const)
}

/** As gpg lists them, the oldest first. */
async function encryptionSubkeys(): Promise<[string, string]> {
  const { output } = await gpg.run(['--list-keys', '--with-colons', fingerprint])
  const lines = output.toString().split('\n')
  const [one = '', other = ''] = lines.flatMap((line, i) =>
    line.startsWith('sub:') && line.split(':')[11] === 'e' ? [lines[i + 1]?.split(':')[9] ?? ''] : [],
  )
  return [one, other]
}

const message = (subject: string) => ({
  from: house.sender,
  to: [mailbox],
  subject,
  text: `This is ${subject}.`,
})

async function post(subject: string): Promise<string> {
  const { status, body } = await house.client.post(message(subject))
  expect(status).toBe(202)
  return (body as { id: string }).id
}

/** What came encrypted; the copies of `invite` and notices in clear are not among it. */
function sealedMails(): typeof house.inbox {
  return house.inbox.filter(({ to, bytes }) => to.includes(mailbox) && bytes.includes('BEGIN PGP MESSAGE'))
}

/** Waits for the message, decrypts it with gpg, and gives the subkey that it is encrypted to. */
async function readBy(subject: string): Promise<string> {
  let found: string | undefined
  await eventually(`the message ${subject}`, async () => {
    for (const { bytes } of sealedMails()) {
      const { content } = await gpg.decrypt(bytes)
      if ((await PostalMime.parse(content)).text?.trim() !== `This is ${subject}.`) continue
      const args = ['--list-only', '--status-fd', '1', '--decrypt']
      const { output } = await gpg.run(args, bytes)
      const [, keyId = 'none'] = /^\[GNUPG:\] ENC_TO ([0-9A-F]{16})/m.exec(output.toString()) ?? []
      found = [first, second].find(subkey => subkey.endsWith(keyId))
      return true
    }
    return false
  })
  return found ?? 'another'
}

async function outcomeOf(id: string): Promise<unknown> {
  const { body } = await house.client.get(`/v1/messages/${id}`)
  return (body as { deliveries: unknown[] }).deliveries[0]
}

/** From now on nobody answers at that domain; returns once no connection of before is left to go over. */
async function cutOff(): Promise<void> {
  await house.route('subkeys.test', nowhere)
  while ((await settled(await post('probe'))) !== 'queued')
    await new Promise(resolve => setTimeout(resolve, 6_000))
}

/** The state of a message after its first attempt. */
async function settled(id: string): Promise<string> {
  let state = ''
  await eventually('an attempt', async () => {
    const row = await house
      .owner('deliveries')
      .where({ message_id: id })
      .first<{ state: string; outcome: string | null }>('state', 'outcome')
    state = row.state
    return row.outcome !== null && state !== 'sending'
  })
  return state
}

/** As if the time until its next attempt were over. */
async function release(id: string): Promise<void> {
  await house.owner.raw(
    `UPDATE pgboss.job SET start_after = now()
      WHERE name = 'deliver' AND state < 'active' AND data->>'delivery' IN (SELECT id FROM deliveries WHERE message_id = ?)`,
    [id],
  )
}

/** A port at which nobody answers. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
