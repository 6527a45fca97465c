import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownAddress } from '../../src/custody/index.ts'
import { armour } from '../../src/kernel/index.ts'
import { fingerprintWords, wkdUrls } from '../../src/keys/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let stranger: BrowserClient
beforeAll(async () => {
  house = await openHouse()
  stranger = house.browser('public')
})
afterAll(() => house.close())

const { advanced, direct } = wkdUrls(ownAddress('gateway.test'))
const digest = direct.pathname.split('/').at(-1) ?? ''

test.each([advanced, direct])(
  'the directory has the certificate at %s, for programs of other sites, too',
  async url => {
    for (const path of [url.pathname, `${url.pathname}${url.search}`, `${url.pathname}?l=GateWay`]) {
      const { status, text, headers } = await stranger.get(path)
      expect([status, headers['content-type'], headers['access-control-allow-origin']]).toEqual([
        200,
        'application/octet-stream',
        '*',
      ])
      expect(text).toBe(Buffer.from(house.signer).toString('utf8'))
    }
    expect(await stranger.get(url.pathname.replace(/\/hu\/.*/, '/policy'))).toMatchObject({
      status: 200,
      text: '',
    })
  },
)

test.each([
  ['another local part of the same digest', `${direct.pathname}?l=postmaster`],
  ['another digest', direct.pathname.replace(digest, 'y'.repeat(32))],
  ['another domain', advanced.pathname.replace('gateway.test', 'bank.test')],
  ['the policy of another domain', '/.well-known/openpgpkey/bank.test/policy'],
])('%s is not there', async (_, path) => {
  expect((await stranger.get(path)).status).toBe(404)
})

test('a person finds the fingerprint as words, and the file', async () => {
  const page = await stranger.get('/our-key')
  expect(page.status).toBe(200)
  expect(page.text).toContain('gateway@gateway.test')
  const fingerprint = await house.owner('signing_keys').first<{ fingerprint: string }>('fingerprint')
  for (const word of fingerprintWords(fingerprint.fingerprint))
    expect(page.text).toContain(`<li>${word}</li>`)
  const file = await stranger.get('/our-key.asc')
  expect(file.headers['content-type']).toContain('application/pgp-keys')
  expect(file.text).toBe(armour('PUBLIC KEY BLOCK', house.signer))
})

test('a certificate that signs no more is not given as ours', async () => {
  await house.owner('signing_keys').update({ retired_at: new Date() })
  try {
    expect((await stranger.get(direct.pathname)).status).toBe(404)
  } finally {
    await house.owner('signing_keys').update({ retired_at: null })
  }
})
