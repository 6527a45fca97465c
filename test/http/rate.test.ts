import { expect, test } from 'vitest'
import { openRate, peerKey } from '../../src/http/browser/rate.ts'

function rateAt(time: { now: number }) {
  return openRate({ burst: 3, perMinute: 2 }, () => time.now)
}

test('a burst passes, the next waits for as long as it is told', () => {
  const time = { now: 0 }
  const rate = rateAt(time)
  for (let i = 0; i < 3; i++) rate.take('a')
  const refused = expect.objectContaining({
    code: 'too_many_requests',
    details: { retryAfterSeconds: 30 },
  }) as Error
  expect(() => rate.take('a')).toThrow(refused)
  expect(() => rate.check('a')).toThrow(refused)
  rate.take('b')
  time.now = 29_999
  expect(() => rate.take('a')).toThrow()
  time.now = 30_000
  rate.take('a')
  expect(() => rate.take('a')).toThrow()
})

test('who was not seen for long has the whole burst again, and no more', () => {
  const time = { now: 0 }
  const rate = rateAt(time)
  for (let i = 0; i < 3; i++) rate.take('a')
  time.now = 3_600_000
  for (let i = 0; i < 3; i++) rate.take('a')
  expect(() => rate.take('a')).toThrow()
})

test('looking costs nothing', () => {
  const rate = rateAt({ now: 0 })
  for (let i = 0; i < 10; i++) rate.check('a')
  rate.take('a')
})

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  [undefined, 'unknown'],
])('%s counts as %s', (address, key) => {
  expect(peerKey(address)).toBe(key)
})
