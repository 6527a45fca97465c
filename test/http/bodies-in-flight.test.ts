import { expect, test } from 'vitest'
import { openBodiesInFlight } from '../../src/http/api/limits/bodies-in-flight.ts'
import type { ApplicationId } from '../../src/kernel/index.ts'
import { eventually as within } from '../support/locks.ts'

const [a, b, c] = ['1', '2', '3'].map(digit => `app_${digit.padStart(26, '0')}` as ApplicationId) as [
  ApplicationId,
  ApplicationId,
  ApplicationId,
]
const overloaded: unknown = expect.objectContaining({ code: 'overloaded', temporary: true })
const megabyte = 1024 * 1024

const eventually = (check: () => boolean) => within('it comes to that', check)

/** A request under way that has brought so much, until it is told to end. */
function request(
  bodies: ReturnType<typeof openBodiesInFlight>,
  application: ApplicationId,
  bytes: number,
  { announced = 0, recipients = 1 } = {},
) {
  const { promise, resolve: end } = Promise.withResolvers<undefined>()
  const state = { there: false }
  const done = bodies.hold(application, announced, async share => {
    await share.take(bytes)
    share.multiply(recipients)
    state.there = true
    await promise
  })
  done.catch(() => undefined)
  return { done, there: () => state.there, end: () => end(undefined) }
}

test('what comes beyond the bound is refused before it is taken, and what was there is given back', async () => {
  const bodies = openBodiesInFlight({ bytes: 100, large: 1 })
  const held = [request(bodies, a, 50), request(bodies, b, 40)]
  await eventually(() => held.every(({ there }) => there()))
  await expect(request(bodies, c, 11).done).rejects.toEqual(overloaded)
  await expect(request(bodies, c, 0, { announced: 11 }).done).rejects.toEqual(overloaded)
  await expect(request(bodies, c, 4, { recipients: 3 }).done).rejects.toEqual(overloaded)
  expect(bodies.bytes()).toBe(90)
  const small = request(bodies, c, 10)
  await eventually(small.there)
  for (const { end } of [...held, small]) end()
  await Promise.all([...held, small].map(({ done }) => done))
  expect(bodies.bytes()).toBe(0)
})

test('an application has half of it at most, so that there is room for another', async () => {
  const bodies = openBodiesInFlight({ bytes: 100, large: 1 })
  const held = request(bodies, a, 45)
  await eventually(held.there)
  await expect(request(bodies, a, 6).done).rejects.toEqual(overloaded)
  const other = request(bodies, b, 50)
  await eventually(other.there)
  for (const { end } of [held, other]) end()
  await Promise.all([held.done, other.done])
})

test('a request that is alone is not too heavy', async () => {
  const bodies = openBodiesInFlight({ bytes: 100, large: 1 })
  const only = request(bodies, a, 500, { announced: 500, recipients: 3 })
  await eventually(only.there)
  expect(bodies.bytes()).toBe(1500)
  only.end()
  await only.done
})

test('the next turn for a large body goes to the application that has the fewest', async () => {
  const bodies = openBodiesInFlight({ large: 2 })
  const large = (application: ApplicationId) => request(bodies, application, megabyte + 1)
  const [first, second] = [large(a), large(a)]
  const waiting = [large(a), large(a), large(b)] as const
  await eventually(() => first.there() && second.there())
  expect(waiting.map(({ there }) => there())).toEqual([false, false, false])
  const small = request(bodies, c, megabyte)
  await eventually(small.there)
  first.end()
  await eventually(waiting[2].there)
  expect(waiting[0].there()).toBe(false)
  second.end()
  await eventually(waiting[0].there)
  for (const { end } of [small, ...waiting]) end()
  await Promise.all([small, first, second, ...waiting].map(({ done }) => done))
  expect(bodies.bytes()).toBe(0)
})

test('an application that has many waiting waits behind itself', async () => {
  const bodies = openBodiesInFlight({ large: 1 })
  const large = (application: ApplicationId) => request(bodies, application, megabyte + 1)
  const [first, second, third, other] = [large(a), large(a), large(a), large(b)]
  await eventually(first.there)
  first.end()
  await eventually(other.there)
  other.end()
  await eventually(second.there)
  second.end()
  await eventually(third.there)
  third.end()
  await Promise.all([first, second, third, other].map(({ done }) => done))
})

test('who waits for a turn too long is refused, and its bytes are given back', async () => {
  const bodies = openBodiesInFlight({ large: 1, wait: 20 })
  const first = request(bodies, a, megabyte + 1)
  await eventually(first.there)
  await expect(request(bodies, b, megabyte + 1).done).rejects.toEqual(overloaded)
  expect(bodies.bytes()).toBe(megabyte + 1)
  first.end()
  await first.done
})
