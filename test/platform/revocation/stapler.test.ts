import { beforeAll, expect, test } from 'vitest'
import { openStapler } from '../../../src/platform/revocation/index.ts'
import {
  createRevokingAuthority,
  hour,
  type Party,
  type RevokingAuthority,
} from '../../support/revoking-authority.ts'
import { movableClock, type Outside, outside } from './support.ts'

const url = 'http://ocsp.ca.test/'
let ca: RevokingAuthority
let own: Party
beforeAll(async () => {
  ca = await createRevokingAuthority()
  own = await ca.issue({ responder: url })
})

function stapler(where: Outside) {
  const clock = movableClock()
  const staple = openStapler({ fetch: where.fetch, clock })
  return { clock, staple: (of: Party = own) => staple(of.certificate, ca.certificate) }
}

test('our own certificate’s response is fetched once, verified, and stapled as it came', async () => {
  const response = ca.response(own.certificate)
  const where = outside({ [url]: response })
  const { staple } = stapler(where)
  expect(await Promise.all([staple(), staple(), staple()])).toEqual([response, response, response])
  expect(await staple()).toEqual(response)
  expect(where.asked).toEqual([url])
})

test('clients hear it when our own certificate was revoked', async () => {
  const response = ca.response(own.certificate, { status: 'revoked' })
  expect(await stapler(outside({ [url]: response })).staple()).toEqual(response)
})

test('after an hour it is replaced behind the back of a handshake that waits for nothing', async () => {
  const response = ca.response(own.certificate)
  const where = outside({ [url]: response })
  const { clock, staple } = stapler(where)
  await staple()
  const next = ca.response(own.certificate, { thisUpdate: new Date() })
  where.places.set(url, next)
  clock.pass(2 * hour)
  expect(await staple()).toEqual(response)
  await expect.poll(() => staple()).toEqual(next)
  expect(where.asked).toHaveLength(2)
})

test('a response that is over is not stapled', async () => {
  const where = outside({ [url]: ca.response(own.certificate) })
  const { clock, staple } = stapler(where)
  await staple()
  where.places.clear()
  clock.pass(25 * hour)
  expect(await staple()).toBeUndefined()
})

test('nor is one of somebody else, or one that nobody signed', async () => {
  const other = await ca.issue()
  const forger = await createRevokingAuthority()
  for (const wrong of [ca.response(other.certificate), forger.response(own.certificate), Buffer.from('no')])
    expect(await stapler(outside({ [url]: wrong })).staple()).toBeUndefined()
})

test('a certificate without a responder has nothing to staple', async () => {
  const where = outside()
  expect(await stapler(where).staple(await ca.issue())).toBeUndefined()
  expect(where.asked).toEqual([])
})
