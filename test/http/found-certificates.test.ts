import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createListener, createPublic, type Listener, listen } from '../../src/http/index.ts'
import { type Address, newId, SealpostError, systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import type { ProposalSource, RecipientView } from '../../src/recipients/index.ts'
import { type BrowserClient, openBrowser } from '../support/browser-client.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

/** What directories outside have; the room of recipients is played, for what it is told is all that matters here. */
let published: { source: 'wkd' | 'vks'; bytes: Uint8Array }[]
let asked: Address[]
let proposed: { bytes: string; source: ProposalSource }[]
let wiped: Uint8Array | undefined

let database: TestDatabase
let pool: ReturnType<typeof openDatabase>
let listener: Listener
let browser: BrowserClient

const view: RecipientView = {
  recipient: {
    id: newId('rcp', systemClock),
    address: 'clara@acquirer.example' as Address,
    organisation: 'Acquirer',
    kind: 'customer',
    state: 'invited',
  },
  step: 'propose',
  proposal: null,
  active: null,
}
const unasked = () => Promise.reject(new SealpostError('internal_error'))

beforeAll(async () => {
  database = await testDatabase()
  pool = openDatabase(database.gateway, { applicationName: 'test', statementTimeout: 5000, poolSize: 1 })
  const authority = await createAuthority({ commonName: 'test CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['keys.gateway.test'], days: 1 })
  const app = createPublic({
    knex: pool.knex,
    clock: systemClock,
    log: openLogger({ level: 'error' }),
    refusals: {
      note: () => Promise.resolve(),
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    origin: 'https://keys.gateway.test',
    organisation: 'Example Payments',
    stopping: new AbortController().signal,
    own: { address: 'gateway@gateway.test' as Address, certificate: () => Promise.resolve(undefined) },
    find(address) {
      asked.push(address)
      return Promise.resolve(published)
    },
    enrolment: {
      openLink: unasked,
      challengeAgain: unasked,
      prove: unasked,
      revokeByLink: unasked,
      revokeByUpload: unasked,
      recipientOf: () => Promise.resolve(view),
      propose(_from, bytes, source) {
        proposed.push({ bytes: Buffer.from(bytes).toString(), source })
        wiped = bytes
        return Promise.resolve({ outcome: 'unchanged', fingerprint: 'A'.repeat(40) })
      },
    },
  })
  listener = await listen(createListener({ cert: identity.certificate, key: identity.key }, 'none', app), {
    host: '127.0.0.1',
    port: 0,
  })
  browser = openBrowser({
    port: listener.port,
    origin: 'https://keys.gateway.test',
    ca: authority.certificate,
  })
  browser.cookies.set('__Host-enrolment', 'x'.repeat(43))
})
afterAll(async () => {
  browser.close()
  await listener.close(1000)
  await pool.close()
  await database.drop()
})
beforeEach(() => {
  published = []
  asked = []
  proposed = []
})

const offered = (text: string) =>
  [...text.matchAll(/name="found" value="([0-9a-f]{64})"/g)].map(([, digest = '']) => digest)

test('nobody is asked about an address before its owner wants it', async () => {
  expect((await browser.get('/enrol')).text).toContain('Look for my key')
  expect(asked).toEqual([])
})

test('what is found is offered by its place, and taken only by a second click', async () => {
  published = [
    { source: 'wkd', bytes: Buffer.from('from the domain') },
    { source: 'vks', bytes: Buffer.from('from the server') },
  ]
  const page = (await browser.submit('/enrol/find')).text
  expect(asked).toEqual(['clara@acquirer.example'])
  expect(proposed).toEqual([])
  expect(page).toContain('your own domain')
  expect(page).toContain('the key server')
  await browser.submit('/enrol/certificate', { found: offered(page)[1] ?? '' })
  expect(proposed).toEqual([{ bytes: 'from the server', source: 'vks' }])
})

test('what changed between the clicks is not taken for what was offered', async () => {
  published = [{ source: 'wkd', bytes: Buffer.from('first') }]
  const [digest = ''] = offered((await browser.submit('/enrol/find')).text)
  published = [{ source: 'wkd', bytes: Buffer.from('second') }]
  expect((await browser.submit('/enrol/certificate', { found: digest })).status).toBe(409)
  expect(proposed).toEqual([])
})

test('what is uploaded is never taken for something found', async () => {
  await browser.upload('/enrol/certificate', 'file', Buffer.from('uploaded'))
  expect(proposed).toEqual([{ bytes: 'uploaded', source: 'upload' }])
})

test('an upload is overwritten once it was judged', async () => {
  await browser.upload('/enrol/certificate', 'file', Buffer.from('secret'))
  expect(Buffer.from(wiped ?? [])).toEqual(Buffer.alloc(6))
})

test('nothing found is said', async () => {
  expect((await browser.submit('/enrol/find')).text).toContain('We found no key')
})
