import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApplicationId, systemClock } from '../../src/kernel/index.ts'
import { type Feed, openFeed, openForgettingUpdates, type Update } from '../../src/updates/index.ts'
import { eventually } from '../support/locks.ts'
import { openPost, type Post } from '../support/post.ts'

let post: Post
let feed: Feed
let application: ApplicationId
let attempts = 0

beforeAll(async () => {
  post = await openPost()
  const [known] = await post.owner('applications').select<{ id: ApplicationId }[]>('id')
  if (known === undefined) throw new Error('there is no application')
  application = known.id
  feed = openFeed({ knex: post.gateway, log: post.log, every: 10 })
  await post.accept(...Array.from({ length: 100 }, (_, i) => `r${i}@feed.test`))
})
afterAll(async () => {
  await feed.stop()
  await post.close()
})

/** Makes a hundred updates. */
const happen = () =>
  post.gateway('deliveries').update({ attempts: ++attempts, state: 'queued', outcome: 'greylisted' })

function follow(after?: Update['place'], ready: () => boolean = () => true) {
  const taken: Update[] = []
  const unfollow = feed.follow({ application, after, ready, take: updates => taken.push(...updates) })
  return { taken, unfollow, ids: () => taken.map(({ place }) => place.id) }
}
const ascending = (ids: readonly bigint[]) => ids.every((id, i) => i === 0 || id > (ids[i - 1] ?? id))

test('who is not ready for a while is read to from its own place, and hears each update once, in order', async () => {
  let ready = true
  const start = { xid: 0n, id: 0n }
  const [quick, slow] = [follow(start), follow(start, () => ready)]
  await happen()
  await eventually('both hear', () => quick.taken.length === 100 && slow.taken.length === 100)
  ready = false
  // More than a page.
  for (let i = 0; i < 6; i++) await happen()
  await eventually('one hears', () => quick.taken.length === 700)
  expect(slow.taken).toHaveLength(100)
  ready = true
  await eventually('the other, too', () => slow.taken.length === 700)
  await happen()
  await eventually('both go on', () => quick.taken.length === 800 && slow.taken.length === 800)
  expect(slow.ids()).toEqual(quick.ids())
  expect(ascending(slow.ids())).toBe(true)
  const resumed = follow(quick.taken[9]?.place)
  await eventually('it has caught up', () => resumed.taken.length === 790)
  expect(resumed.ids()).toEqual(quick.ids().slice(10))
  // Of a database that has been put back to an earlier state.
  const ahead = follow({ xid: 2n ** 63n, id: 1n })
  await eventually('it hears what is new', async () => {
    if (ahead.taken.length === 0) await happen()
    return ahead.taken.length > 0
  })
  for (const each of [quick, slow, resumed, ahead]) each.unfollow()
})

test('nobody listens, nobody asks; then somebody does again', async () => {
  await happen()
  const later = follow()
  await eventually('it hears', async () => {
    if (later.taken.length === 0) await happen()
    return later.taken.length > 0
  })
  later.unfollow()
})

test('updates are forgotten after seven days', async () => {
  const count = async () =>
    Number((await post.owner('updates').count<{ count: string }[]>('* as count'))[0]?.count)
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000)
  const [old] = await post.owner('updates').orderBy('id').offset(9).limit(1).pluck<string[]>('id')
  await post.owner('updates').update({ at: ago(6.9) })
  await post
    .owner('updates')
    .where('id', '<=', old ?? '')
    .update({ at: ago(7.1) })
  const before = await count()
  openForgettingUpdates(post.gateway, systemClock, post.log).stop()
  await eventually('ten are gone', async () => (await count()) === before - 10)
})
