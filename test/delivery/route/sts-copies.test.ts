import type { Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { FetchPolicy } from '../../../src/delivery/index.ts'
import { findStsPolicy } from '../../../src/delivery/route/sts/find.ts'
import type { StsPolicy } from '../../../src/delivery/route/sts/policy.ts'
import { openDatabase } from '../../../src/platform/index.ts'
import { testDatabase } from '../../support/database.ts'
import { dnsOf, failed, insecure, none, type Zones } from '../../support/zones.ts'

const opened = new AsyncDisposableStack()
let owner: Knex
let gateway: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const connect = (config: typeof database.owner) =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 10_000, poolSize: 4 }),
      pool => pool.close(),
    ).knex
  owner = connect(database.owner)
  gateway = connect(database.gateway)
})
afterAll(() => opened.disposeAsync())
beforeEach(async () => {
  await owner('mta_sts_policies').delete()
})

const day = 86_400_000
const start = Date.parse('2026-11-21T12:00:00Z')
const policy: StsPolicy = { mode: 'enforce', mx: ['mx.bank.test'], maxAge: 604_800 }

/** A domain that announces what it is told to, and a policy host that says what it is told to. */
function world() {
  const state: { announced: Zones[string]; answer: Awaited<ReturnType<FetchPolicy>>; now: number } = {
    announced: insecure('v=STSv1; id=a1;'),
    answer: { ok: true, policy },
    now: start,
  }
  const fetched: string[] = []
  const warned: unknown[] = []
  const find = (knex: Knex | undefined = gateway) =>
    findStsPolicy(
      {
        knex,
        clock: { now: () => new Date(state.now) },
        dns: dnsOf({ 'TXT _mta-sts.bank.test': state.announced }),
        fetchPolicy: (domain, id) => {
          fetched.push(`${domain} ${id}`)
          return Promise.resolve(state.answer)
        },
        log: { warn: (_event, fields) => warned.push(fields) },
      },
      'bank.test',
    )
  return { state, fetched, warned, find }
}

async function learnt(): Promise<string[]> {
  const rows = await owner('audit_events')
    .where({ type: 'mta_sts.policy.learnt' })
    .orderBy('seq')
    .select<{ body: string }[]>('body')
  return rows.map(({ body }) => {
    const { domain, policyId, mode } = JSON.parse(body) as Record<string, string>
    return `${domain} ${policyId} ${mode}`
  })
}

const known = {
  kind: 'policy',
  id: 'a1',
  mode: 'enforce',
  mx: ['mx.bank.test'],
  fetchedAt: new Date(start),
  expiresAt: new Date(start + 7 * day),
}

test('a policy is fetched once, kept, and told to the log of events', async () => {
  const { find, fetched, state } = world()
  expect(await find()).toMatchObject(known)
  state.now += day - 1
  expect(await find()).toMatchObject(known)
  expect(fetched).toEqual(['bank.test a1'])
  expect(await learnt()).toEqual(['bank.test a1 enforce'])
})

describe('is fetched again', () => {
  test('when the id is another one', async () => {
    const { find, fetched, state } = world()
    await find()
    state.announced = insecure('v=STSv1; id=b2;')
    state.answer = { ok: true, policy: { ...policy, mx: ['mx2.bank.test'] } }
    state.now += 1000
    expect(await find()).toMatchObject({ id: 'b2', mx: ['mx2.bank.test'] })
    expect(fetched).toEqual(['bank.test a1', 'bank.test b2'])
    expect((await learnt()).slice(-2)).toEqual(['bank.test a1 enforce', 'bank.test b2 enforce'])
  })

  test('when the copy is a day old, which moves its end and is no news', async () => {
    const { find, fetched, state } = world()
    await find()
    const before = await learnt()
    state.now += day
    expect(await find()).toMatchObject({ id: 'a1', expiresAt: new Date(start + 8 * day) })
    expect(fetched).toHaveLength(2)
    expect(await learnt()).toEqual(before)
  })

  test('when its clock was ahead of ours', async () => {
    const { find, fetched, state } = world()
    state.now += 400 * day
    await find()
    state.now = start
    expect(await find()).toMatchObject(known)
    expect(await find()).toMatchObject(known)
    expect(fetched).toHaveLength(2)
  })
})

describe('a live copy counts', () => {
  const attacks: Record<string, (state: ReturnType<typeof world>['state']) => void> = {
    'the record is gone': state => {
      state.announced = none(false)
    },
    'DNS fails': state => {
      state.announced = failed
    },
    'the record is garbage': state => {
      state.announced = insecure('v=STSv1; id=;')
    },
    'two records contradict each other': state => {
      state.announced = insecure('v=STSv1; id=x;', 'v=STSv1; id=y;')
    },
    'the policy host cannot be reached': state => {
      state.answer = { ok: false, failure: 'connect_failed' }
    },
    'somebody else is there': state => {
      state.answer = { ok: false, failure: 'not_authenticated' }
    },
    'it redirects': state => {
      state.answer = { ok: false, failure: 'redirect_refused' }
    },
    'it has no policy any more': state => {
      state.answer = { ok: false, failure: 'not_found' }
    },
    'its policy is none': state => {
      state.answer = { ok: false, failure: 'policy_malformed' }
    },
    'a new id is announced that nobody serves': state => {
      state.announced = insecure('v=STSv1; id=evil;')
      state.answer = { ok: false, failure: 'not_authenticated' }
    },
  }
  test.each(Object.entries(attacks))(
    'when %s, until its max_age is over, and no longer',
    async (_name, attack) => {
      const { find, state } = world()
      await find()
      attack(state)
      for (const after of [2 * day, 6.9 * day]) {
        state.now = start + after
        expect(await find()).toMatchObject(known)
        expect(await find()).toHaveProperty('stale')
      }
      state.now = start + 7 * day
      expect((await find()).kind).not.toBe('policy')
    },
  )
})

describe('what the policy host itself says, and proves, replaces it:', () => {
  test.each(['none', 'testing'] as const)('mode %s ends enforcement', async mode => {
    const { find, state } = world()
    await find()
    state.announced = insecure('v=STSv1; id=end;')
    state.answer = { ok: true, policy: { ...policy, mode } }
    state.now += 1000
    expect(await find()).toMatchObject({ kind: 'policy', mode, id: 'end' })
    // And it stays so, also when nobody can be asked.
    state.announced = failed
    expect(await find()).toMatchObject({ kind: 'policy', mode, stale: 'dns_failed' })
    expect((await learnt()).at(-1)).toBe(`bank.test end ${mode}`)
  })

  test('a max_age of nothing is for this once', async () => {
    const { find, state } = world()
    state.answer = { ok: true, policy: { ...policy, maxAge: 0 } }
    expect(await find()).toMatchObject({ kind: 'policy', mode: 'enforce' })
    state.announced = none(false)
    expect(await find()).toEqual({ kind: 'none' })
  })
})

test('without a copy, failures are told apart from a domain that has no policy', async () => {
  const { find, state, warned } = world()
  state.announced = none(false)
  expect(await find()).toEqual({ kind: 'none' })
  state.announced = failed
  expect(await find()).toEqual({ kind: 'failed', reason: 'dns_failed' })
  state.announced = insecure('v=STSv1; id=a1;')
  state.answer = { ok: false, failure: 'timeout' }
  expect(await find()).toEqual({ kind: 'failed', reason: 'timeout' })
  expect(warned).toEqual([{ domain: 'bank.test', reason: 'timeout' }])
})

test('an older answer that comes late does not replace a younger one', async () => {
  const slow = world()
  const fast = world()
  fast.state.now += 60_000
  fast.state.announced = insecure('v=STSv1; id=b2;')
  await fast.find()
  await slow.find()
  expect(await owner('mta_sts_policies').first('policy_id')).toEqual({ policy_id: 'b2' })
})

test('replicas that learn the same at the same time do not disturb each other', async () => {
  const { find } = world()
  const found = await Promise.all(Array.from({ length: 8 }, () => find()))
  for (const one of found) expect(one).toMatchObject(known)
  expect(await owner('mta_sts_policies').count()).toEqual([{ count: '1' }])
})

test('no policy is kept without its event', async () => {
  const { find } = world()
  await owner.raw(
    `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$`,
  )
  await owner.raw(
    `CREATE TRIGGER full_disk BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION full_disk()`,
  )
  try {
    await expect(find()).rejects.toThrow()
    expect(await owner('mta_sts_policies').first()).toBeUndefined()
  } finally {
    await owner.raw('DROP TRIGGER full_disk ON audit_events')
  }
})
