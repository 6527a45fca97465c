import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { atPace } from '../../src/http/api/limits/pace.ts'

const fast = { grace: 60_000, bytesPerSecond: 1 }
const slow = { grace: 30, bytesPerSecond: 1_000_000 }
const tooSlow: unknown = expect.objectContaining({ code: 'body_too_slow', temporary: true })

async function* bodyOf(chunks: readonly (number | 'pause')[], ended: { value: boolean }) {
  try {
    for (const chunk of chunks) {
      if (chunk === 'pause') await sleep(200)
      else yield await Promise.resolve(Buffer.alloc(chunk))
    }
  } finally {
    ended.value = true
  }
}

async function sizeOf(body: AsyncIterable<Buffer>): Promise<number> {
  let size = 0
  for await (const chunk of body) size += chunk.length
  return size
}

test('a body that stalls is given up', async () => {
  const body = bodyOf([10, 'pause', 10], { value: false })
  await expect(sizeOf(atPace(body, { small: slow, large: fast }))).rejects.toEqual(tooSlow)
})

test('a large body has to come faster than a small one', async () => {
  const chunks = [1024 * 1024, 1, 'pause', 1] as const
  const small = bodyOf(chunks, { value: false })
  await expect(sizeOf(atPace(small, { small: fast, large: slow }))).rejects.toEqual(tooSlow)
  const large = bodyOf(chunks, { value: false })
  expect(await sizeOf(atPace(large, { small: fast, large: fast }))).toBe(1024 * 1024 + 2)
})

test('what came fast may pause for longer', async () => {
  const body = bodyOf([1_000_000, 'pause', 1], { value: false })
  expect(await sizeOf(atPace(body, { small: { grace: 30, bytesPerSecond: 10_000 }, large: slow }))).toBe(
    1_000_001,
  )
})

test('the time that the client waits for us does not count', async () => {
  let size = 0
  for await (const chunk of atPace(bodyOf([10, 10], { value: false }), { small: slow, large: slow })) {
    await sleep(100)
    size += chunk.length
  }
  expect(size).toBe(20)
})

test('who stops reading ends the source', async () => {
  const ended = { value: false }
  for await (const chunk of atPace(bodyOf([10, 10], ended))) {
    expect(chunk).toHaveLength(10)
    break
  }
  expect(ended.value).toBe(true)
})
