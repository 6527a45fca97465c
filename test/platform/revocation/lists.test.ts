import type { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ListStore } from '../../../src/platform/revocation/index.ts'
import { der, integer, plain, sequence, utcTime } from '../../support/der.ts'
import {
  createRevokingAuthority,
  entry,
  hour,
  type ListWishes,
  pointName,
  type RevokingAuthority,
  serialOf,
} from '../../support/revoking-authority.ts'
import { checkOf, good, listUrl, memoryStore, movableClock, outside, revoked, stale } from './support.ts'

let ca: RevokingAuthority
let leaf: X509Certificate
let other: X509Certificate
beforeAll(async () => {
  ca = await createRevokingAuthority()
  leaf = (await ca.issue({ lists: [listUrl] })).certificate
  other = (await ca.issue({ lists: [listUrl] })).certificate
})

const ask = (list: Buffer, of = leaf, by: { certificate: X509Certificate } = ca) =>
  checkOf(outside({ [listUrl]: list }))(of, by.certificate, undefined)

describe('a sound, fresh list', () => {
  test('that names the certificate revokes it', async () => {
    expect(await ask(ca.list({ revoked: [other, leaf] }))).toEqual(revoked)
  })

  test('that names others does not', async () => {
    expect(await ask(ca.list({ revoked: [other] }))).toEqual(good)
    expect(await ask(ca.list())).toEqual(good)
  })

  test('with a reason, held ones too, revokes', async () => {
    const hold = { id: '2.5.29.21', value: Buffer.from('0a0106', 'hex') }
    expect(await ask(ca.list({ revoked: [leaf], entryExtensions: [hold] }))).toEqual(revoked)
  })

  test('is not fooled by a serial that only begins or ends like the certificate’s', async () => {
    const serial = serialOf(leaf)
    const entries = [serial.subarray(1), serial.subarray(0, -1), Buffer.concat([Buffer.from([1]), serial])]
    expect(await ask(ca.list({ entries: entries.map(one => entry(one)) }))).toEqual(good)
  })

  test.each([
    ['for certificates of servers', plain(1, Buffer.from([0xff])), good],
    ['for certificates of CAs', plain(2, Buffer.from([0xff])), stale],
    ['for some reasons only', plain(3, Buffer.from([0, 0x80])), stale],
    ['for certificates by others', plain(4, Buffer.from([0xff])), stale],
    ['for certificates of attributes', plain(5, Buffer.from([0xff])), stale],
    ['for the place where it lies', pointName(listUrl), good],
    ['for another part of the CA’s certificates', pointName('http://crl.ca.test/2.crl'), stale],
  ])('%s is taken for what it covers', async (_, part, expected) => {
    const scope = { id: '2.5.29.28', critical: true, value: sequence(part) }
    expect(await ask(ca.list({ extensions: [scope] }))).toEqual(expected)
  })

  test('of CAs speaks of a CA’s certificate, one of servers does not', async () => {
    const below = (await ca.issue({ name: 'Intermediate', authority: true, lists: [listUrl] })).certificate
    const scope = (number: number) => [
      { id: '2.5.29.28', critical: true, value: sequence(plain(number, Buffer.from([0xff]))) },
    ]
    expect(await ask(ca.list({ revoked: [below], extensions: scope(2) }), below)).toEqual(revoked)
    expect(await ask(ca.list({ extensions: scope(1) }), below)).toEqual(stale)
  })
})

describe('nothing is concluded from a list', () => {
  const soon = (time: number) => new Date(Date.now() + time)
  const utc = der(0x17)
  test.each<[string, () => ListWishes | Promise<ListWishes>]>([
    ['that is over', () => ({ nextUpdate: soon(-1000) })],
    ['that has no end', () => ({ nextUpdate: null })],
    ['from the future', () => ({ thisUpdate: soon(hour) })],
    [
      'that is a delta',
      () => ({ extensions: [{ id: '2.5.29.27', critical: true, value: integer(Buffer.from([1])) }] }),
    ],
    [
      'with something critical that is not understood',
      () => ({ extensions: [{ id: '1.2.3.4', critical: true, value: Buffer.from([5, 0]) }] }),
    ],
    [
      'with an entry by another issuer',
      () => ({
        entries: [entry(Buffer.from([9]), [{ id: '2.5.29.29', critical: true, value: sequence() }])],
      }),
    ],
    [
      'with the same extension twice',
      () => {
        const number = { id: '2.5.29.20', value: integer(Buffer.from([1])) }
        return { extensions: [number, number] }
      },
    ],
    ['signed by another key', async () => ({ signedBy: (await createRevokingAuthority()).key })],
    ['by another CA', async () => ({ by: await createRevokingAuthority('Another CA') })],
    [
      'in another name, under the CA’s key',
      async () => ({ by: await createRevokingAuthority('Another CA'), signedBy: ca.key }),
    ],
    ['by a namesake of the CA', async () => ({ by: await createRevokingAuthority() })],
    [
      'signed with SHA-1',
      () => ({ hash: 'sha1', algorithm: sequence(Buffer.from('06072a8648ce3d0401', 'hex')) }),
    ],
    ['of which an entry is cut short', () => ({ entries: [Buffer.from([0x30, 0x7f, 2, 1, 1])] })],
    [
      'with entries shorter than any can be, which could push others out of sight',
      () => ({
        entries: [
          ...Array.from({ length: 99 }, () => sequence(integer(Buffer.from([1])), utc)),
          entry(serialOf(leaf)),
        ],
      }),
    ],
    [
      'with an entry that something follows',
      () => ({ entries: [sequence(integer(Buffer.from([1])), utcTime(soon(0)), sequence(), sequence())] }),
    ],
    ['with an entry that is none', () => ({ entries: [sequence(integer(Buffer.from([1])))] })],
  ])('%s', async (_, wishes) => {
    expect(await ask(ca.list({ revoked: [other], ...(await wishes()) }))).toEqual(stale)
  })

  test('that somebody changed, wherever it was', async () => {
    const list = ca.list({ revoked: [other] })
    for (let at = 0; at < list.length; at++) {
      const changed = Buffer.from(list)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x04, at)
      expect(await ask(changed), `octet ${at}`).toEqual(stale)
    }
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a web page', Buffer.from('<html>404</html>')],
    ['PEM', Buffer.from('-----BEGIN X509 CRL-----\n')],
    ['a length without end', Buffer.from('3084ffffffff', 'hex')],
    ['nesting', Buffer.from('30'.repeat(5000), 'hex')],
  ])('which is none but %s', async (_, bytes) => {
    expect(await ask(bytes)).toEqual(stale)
  })

  test('that something follows, or of which the end is missing', async () => {
    const list = ca.list()
    expect(await ask(Buffer.concat([list, Buffer.from([0])]))).toEqual(stale)
    expect(await ask(list.subarray(0, -1))).toEqual(stale)
  })

  test('whose CA may not sign lists', async () => {
    const mute = await createRevokingAuthority('Mute CA', { mayList: false })
    const subject = (await mute.issue({ lists: [listUrl] })).certificate
    expect(await ask(mute.list(), subject, mute)).toEqual(stale)
  })
})

describe('a certificate', () => {
  test('that names nobody is unknown, and nobody is asked', async () => {
    const where = outside()
    const mute = (await ca.issue()).certificate
    expect(await checkOf(where)(mute, ca.certificate, undefined)).toEqual({ status: 'unknown', source: null })
    expect(where.asked).toEqual([])
  })

  test.each([
    ['a directory', 'ldap://ca.test/cn=ca?certificateRevocationList'],
    ['a file', 'file:///etc/passwd'],
  ])('whose list lies where we do not go, %s, is stale', async (_, url) => {
    const where = outside()
    const subject = (await ca.issue({ lists: [url] })).certificate
    expect(await checkOf(where)(subject, ca.certificate, undefined)).toEqual(stale)
    expect(where.asked).toEqual([])
  })

  test('with two places is judged by the one that answers', async () => {
    const subject = (await ca.issue({ lists: ['http://down.ca.test/', listUrl] })).certificate
    expect(await ask(ca.list({ revoked: [subject] }), subject)).toEqual(revoked)
  })

  test('with a hundred places makes us ask three', async () => {
    const where = outside()
    const lists = Array.from({ length: 100 }, (_, i) => `http://${i}.ca.test/`)
    const subject = (await ca.issue({ lists })).certificate
    expect(await checkOf(where)(subject, ca.certificate, undefined)).toEqual(stale)
    expect(where.asked).toHaveLength(3)
  })

  test('that the issuer did not make is stale', async () => {
    for (const name of ['Revoking CA', 'Another CA']) {
      const stranger = await createRevokingAuthority(name)
      expect(await ask(stranger.list(), leaf, stranger)).toEqual(stale)
    }
  })
})

describe('a list is kept', () => {
  test('in memory for an hour, and fetched once for many who ask at a time', async () => {
    const where = outside({ [listUrl]: ca.list() })
    const clock = movableClock()
    const check = checkOf(where, { clock })
    const all = await Promise.all(
      [leaf, other, leaf, other].map(one => check(one, ca.certificate, undefined)),
    )
    expect(all).toEqual([good, good, good, good])
    clock.pass(hour - 1000)
    await check(leaf, ca.certificate, undefined)
    expect(where.asked).toEqual([listUrl])

    where.places.set(listUrl, ca.list({ revoked: [leaf] }))
    clock.pass(2000)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(revoked)
    expect(where.asked).toHaveLength(2)
  })

  test('until its end when its CA does not answer any more, and no longer', async () => {
    const where = outside({ [listUrl]: ca.list() })
    const clock = movableClock()
    const check = checkOf(where, { clock })
    await check(leaf, ca.certificate, undefined)
    where.places.clear()
    clock.pass(23 * hour)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(good)
    clock.pass(2 * hour)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(stale)
  })

  test('against an older one that is replayed', async () => {
    const before = ca.list({ thisUpdate: new Date(Date.now() - 3 * hour) })
    const where = outside({ [listUrl]: ca.list({ revoked: [leaf] }) })
    const clock = movableClock()
    const check = checkOf(where, { clock })
    expect(await check(leaf, ca.certificate, undefined)).toEqual(revoked)
    where.places.set(listUrl, before)
    clock.pass(2 * hour)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(revoked)
  })

  test('beyond a restart, where it is verified again', async () => {
    const store = memoryStore()
    await checkOf(outside({ [listUrl]: ca.list({ revoked: [leaf] }) }), { store })(
      leaf,
      ca.certificate,
      undefined,
    )
    const nobody = outside()
    expect(await checkOf(nobody, { store })(leaf, ca.certificate, undefined)).toEqual(revoked)
    expect(nobody.asked).toEqual([])

    const kept = store.lists.get(listUrl)!
    const forger = await createRevokingAuthority()
    store.lists.set(listUrl, { ...kept, der: forger.list() })
    expect(await checkOf(nobody, { store })(leaf, ca.certificate, undefined)).toEqual(stale)
  })

  test('although the store is broken', async () => {
    const broken: ListStore = {
      find: () => Promise.reject(new Error('down')),
      keep: () => Promise.reject(new Error('down')),
    }
    const where = outside({ [listUrl]: ca.list({ revoked: [leaf] }) })
    expect(await checkOf(where, { store: broken })(leaf, ca.certificate, undefined)).toEqual(revoked)
  })

  test('for one issuer each: another CA’s list at the same place is not taken for it', async () => {
    const rogue = await createRevokingAuthority('Rogue CA')
    const planted = (await rogue.issue({ lists: [listUrl] })).certificate
    const where = outside({ [listUrl]: rogue.list() })
    const clock = movableClock()
    const check = checkOf(where, { clock })
    expect(await check(planted, rogue.certificate, undefined)).toEqual(good)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(stale)
    where.places.set(listUrl, ca.list({ revoked: [leaf] }))
    clock.pass(61_000)
    expect(await check(leaf, ca.certificate, undefined)).toEqual(revoked)
  })
})

test('a place that fails is left alone for a minute', async () => {
  const where = outside()
  const clock = movableClock()
  const check = checkOf(where, { clock })
  for (let i = 0; i < 5; i++) expect(await check(leaf, ca.certificate, undefined)).toEqual(stale)
  expect(where.asked).toHaveLength(1)
  where.places.set(listUrl, ca.list())
  clock.pass(61_000)
  expect(await check(leaf, ca.certificate, undefined)).toEqual(good)
})
