import { beforeAll, describe, expect, test } from 'vitest'
import {
  createRevokingAuthority,
  hour,
  type Party,
  type ResponseWishes,
  type RevokingAuthority,
} from '../../support/revoking-authority.ts'
import { checkOf, listUrl, movableClock, outside, revoked } from './support.ts'

const responderUrl = 'http://ocsp.ca.test/'
const ocspSigning = '1.3.6.1.5.5.7.3.9'
const noCheck = { id: '1.3.6.1.5.5.7.48.1.5', value: Buffer.from([5, 0]) }
const answered = (status: string) => ({ status, source: 'ocsp' })

let ca: RevokingAuthority
let leaf: Party
let other: Party
let delegate: Party
beforeAll(async () => {
  ca = await createRevokingAuthority()
  leaf = await ca.issue({ lists: [listUrl], responder: responderUrl })
  other = await ca.issue()
  delegate = await ca.issue({ name: 'Responder', purposes: [ocspSigning], extensions: [noCheck] })
})

const judge = (staple: Buffer, of = leaf) => checkOf(outside())(of.certificate, ca.certificate, staple)
const delegated = (by: Party): ResponseWishes => ({ by, certificates: [by.certificate] })

describe('a stapled response', () => {
  test.each([
    ['of the CA, by its key', {}],
    ['of the CA, by its name', { byName: true }],
    ['with SHA-256 in it', { hash: 'sha256' }],
  ] as const)('%s is believed, whatever it says, and nobody is asked', async (_, wishes) => {
    const where = outside()
    const check = checkOf(where)
    for (const status of ['good', 'revoked'] as const) {
      const staple = ca.response(leaf.certificate, { ...wishes, status })
      expect(await check(leaf.certificate, ca.certificate, staple)).toEqual(answered(status))
    }
    expect(where.asked).toEqual([])
  })

  test('of a responder that the CA appointed is believed', async () => {
    expect(await judge(ca.response(leaf.certificate, delegated(delegate)))).toEqual(answered('good'))
    const byName = { ...delegated(delegate), byName: true, status: 'revoked' } as const
    expect(await judge(ca.response(leaf.certificate, byName))).toEqual(answered('revoked'))
  })

  const soon = (time: number) => new Date(Date.now() + time)
  test.each<[string, () => ResponseWishes | Promise<ResponseWishes>]>([
    ['that is over', () => ({ nextUpdate: soon(-1000) })],
    ['without an end', () => ({ nextUpdate: null })],
    ['from the future', () => ({ thisUpdate: soon(hour) })],
    ['that does not know the certificate', () => ({ status: 'unknown' })],
    ['that says to try later', () => ({ result: 3 })],
    ['with two answers for it', () => ({ times: 2 })],
    ['with none', () => ({ times: 0 })],
    ['signed by another key', async () => ({ signedBy: (await createRevokingAuthority()).key })],
    ['signed by the certificate that it is about', () => delegated(leaf)],
    ['by a responder whose certificate did not come along', () => ({ by: delegate })],
    [
      'by a certificate that is for something else',
      async () => delegated(await ca.issue({ purposes: ['1.3.6.1.5.5.7.3.1'], extensions: [noCheck] })),
    ],
    ['by a certificate without a purpose', async () => delegated(await ca.issue({ extensions: [noCheck] }))],
    [
      'by a responder of another CA',
      async () => {
        const rogue = await createRevokingAuthority('Rogue CA')
        return delegated(await rogue.issue({ purposes: [ocspSigning], extensions: [noCheck] }))
      },
    ],
    [
      'by a responder of a namesake of the CA',
      async () => {
        const namesake = await createRevokingAuthority()
        return delegated(await namesake.issue({ purposes: [ocspSigning], extensions: [noCheck] }))
      },
    ],
    [
      'by a responder whose time is over',
      async () =>
        delegated(await ca.issue({ purposes: [ocspSigning], extensions: [noCheck], ends: soon(-hour) })),
    ],
    [
      'by a responder whose certificate was signed with SHA-1',
      async () =>
        delegated(await ca.issue({ purposes: [ocspSigning], extensions: [noCheck], hash: 'SHA-1' })),
    ],
    [
      'by a responder whose own revocation nobody could see',
      async () => delegated(await ca.issue({ purposes: [ocspSigning] })),
    ],
    [
      'with something critical that is not understood',
      () => ({ extensions: [{ id: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) }] }),
    ],
  ])('%s is stale, and no list is asked instead', async (_, wishes) => {
    const where = outside({ [listUrl]: ca.list() })
    const staple = ca.response(leaf.certificate, await wishes())
    expect(await checkOf(where)(leaf.certificate, ca.certificate, staple)).toEqual(answered('stale'))
    expect(where.asked).toEqual([])
  })

  test('of another certificate is stale', async () => {
    expect(await judge(ca.response(other.certificate))).toEqual(answered('stale'))
  })

  test('that somebody changed, wherever it was, is never good', async () => {
    const staple = ca.response(leaf.certificate, { status: 'revoked' })
    for (let at = 0; at < staple.length; at++) {
      const changed = Buffer.from(staple)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x04, at)
      expect(await judge(changed), `octet ${at}`).toEqual(answered('stale'))
    }
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('00ff00ff', 'hex')],
    ['a megabyte', Buffer.alloc(1024 * 1024, 0x30)],
  ])('that is none but %s is stale', async (_, staple) => {
    expect(await judge(staple)).toEqual(answered('stale'))
  })

  test('that a certificate demands of its servers is missed (RFC 7633)', async () => {
    const strict = await ca.issue({ lists: [listUrl], mustStaple: true })
    const check = checkOf(outside({ [listUrl]: ca.list() }))
    expect(await check(strict.certificate, ca.certificate, undefined)).toEqual(answered('stale'))
    const staple = ca.response(strict.certificate)
    expect(await check(strict.certificate, ca.certificate, staple)).toEqual(answered('good'))
  })
})

describe('without a staple', () => {
  test('the list goes first', async () => {
    const where = outside({ [listUrl]: ca.list({ revoked: [leaf.certificate] }) })
    expect(await checkOf(where)(leaf.certificate, ca.certificate, undefined)).toEqual(revoked)
    expect(where.asked).toEqual([listUrl])
  })

  test.each(['good', 'revoked'] as const)(
    'the responder is asked when there is no list, says %s, and is believed for an hour',
    async status => {
      const where = outside({ [responderUrl]: ca.response(leaf.certificate, { status }) })
      const clock = movableClock()
      const check = checkOf(where, { clock })
      const all = await Promise.all(
        Array.from({ length: 4 }, () => check(leaf.certificate, ca.certificate, undefined)),
      )
      expect(all).toEqual(Array.from({ length: 4 }, () => answered(status)))
      expect(where.asked.filter(url => url === responderUrl)).toHaveLength(1)
      where.places.clear()
      clock.pass(2 * hour)
      expect(await check(leaf.certificate, ca.certificate, undefined)).toEqual(answered(status))
      clock.pass(24 * hour)
      expect(await check(leaf.certificate, ca.certificate, undefined)).toMatchObject({ status: 'stale' })
    },
  )

  test('a responder that lies or speaks of another certificate is not believed', async () => {
    const forger = await createRevokingAuthority()
    for (const lie of [forger.response(leaf.certificate), ca.response(other.certificate)]) {
      const check = checkOf(outside({ [responderUrl]: lie }))
      expect(await check(leaf.certificate, ca.certificate, undefined)).toMatchObject({ status: 'stale' })
    }
  })

  test('an older answer does not undo a newer one', async () => {
    const where = outside({ [responderUrl]: ca.response(leaf.certificate, { status: 'revoked' }) })
    const clock = movableClock()
    const check = checkOf(where, { clock })
    await check(leaf.certificate, ca.certificate, undefined)
    const before = { thisUpdate: new Date(Date.now() - 5 * hour) }
    where.places.set(responderUrl, ca.response(leaf.certificate, before))
    clock.pass(2 * hour)
    expect(await check(leaf.certificate, ca.certificate, undefined)).toEqual(answered('revoked'))
  })
})
