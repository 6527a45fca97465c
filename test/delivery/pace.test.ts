import { beforeEach, expect, test } from 'vitest'
import { openPaces, type Paces } from '../../src/delivery/courier/pace.ts'

let time: number
let paces: Paces
beforeEach(() => {
  time = 0
  paces = openPaces(() => time)
})
const of = (perMinute: number) => {
  const pace = paces.of('bank.test', perMinute)
  if (pace === undefined) throw new Error('a pace')
  return pace
}
/** How many go in so many milliseconds, each as soon as it may. */
const goIn = (perMinute: number, duration: number): number => {
  const pace = of(perMinute)
  const end = time + duration
  let gone = 0
  for (; time <= end; time += Math.max(1, pace.wait)) {
    for (; pace.wait === 0; gone++) pace.take()
  }
  return gone
}

test.each([1, 2, 7, 60, 600, 10_000, 100_000])(
  'at %i a minute, no more than that and a second’s go',
  perMinute => {
    const gone = goIn(perMinute, 60_000)
    expect(gone).toBeLessThanOrEqual(perMinute + Math.max(1, perMinute / 60) + 1)
    expect(gone).toBeGreaterThanOrEqual(perMinute)
  },
)

test('a pause gives no more than a second’s in one go', () => {
  time = 3_600_000
  expect(goIn(600, 0)).toBe(10)
})

test('what did not go is given back', () => {
  const pace = of(1)
  pace.take()
  expect(pace.wait).toBe(60_000)
  pace.giveBack()
  expect(pace.wait).toBe(0)
})

test('without a limit there is no pace; a limit that changed holds at once', () => {
  expect(paces.of('bank.test', undefined)).toBeUndefined()
  const slow = of(1)
  slow.take()
  expect(of(1)).toBe(slow)
  expect(of(60).wait).toBe(0)
  expect(paces.of('bank.test', undefined)).toBeUndefined()
})

test('each name has its own', () => {
  of(1).take()
  expect(of(1).wait).toBeGreaterThan(0)
  expect(paces.of('other.test', 1)?.wait).toBe(0)
})

test('turns are promised one after the other, behind what is held, and not beyond a quarter of an hour', () => {
  const pace = of(60)
  expect([pace.promise(10), pace.promise(10), pace.promise(10)]).toEqual([11_000, 12_000, 13_000])
  expect(pace.promised).toBe(13_000)
  time = 5_000
  expect(pace.promised).toBe(8_000)
  for (let i = 0; i < 2000; i++) pace.promise(0)
  expect(pace.promise(0)).toBe(900_000)
  time = 10_000_000
  expect(pace.promised).toBe(0)
})

test('only what goes in the next seconds is worth holding, and at least one', () => {
  expect([of(1).worthHolding, of(60).worthHolding, of(600).worthHolding]).toEqual([1, 10, 100])
})
