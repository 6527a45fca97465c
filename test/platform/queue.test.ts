import { fromKnex } from 'pg-boss'
import { expect, test } from 'vitest'
import { deliverQueue, openDatabase, openQueue } from '../../src/platform/index.ts'
import { testDatabase } from '../support/database.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 2 }

test('a job exists exactly when the transaction that sent it commits', async () => {
  const test_ = await testDatabase()
  const { knex, close } = openDatabase(test_.gateway, session)
  const errors: unknown[] = []
  const boss = await openQueue(test_.gateway, { poolSize: 2, onError: error => errors.push(error) })
  try {
    await expect(
      knex.transaction(async trx => {
        await boss.send(deliverQueue, { delivery: 'dlv_0' }, { db: fromKnex(trx) })
        throw new Error('rolled back')
      }),
    ).rejects.toThrow('rolled back')
    expect(await jobs()).toEqual([])

    await knex.transaction(async trx => {
      await boss.send(deliverQueue, { delivery: 'dlv_1' }, { db: fromKnex(trx) })
      expect(await jobs()).toEqual([])
    })
    expect(await jobs()).toEqual(['dlv_1'])
    expect(errors).toEqual([])
  } finally {
    await boss.stop({ graceful: false })
    await close()
    await test_.drop()
  }

  async function jobs(): Promise<string[]> {
    const { rows } = await knex.raw<{ rows: { delivery: string }[] }>(
      "SELECT data->>'delivery' AS delivery FROM pgboss.job",
    )
    return rows.map(({ delivery }) => delivery)
  }
})

test('many jobs are sent in one statement of the transaction', async () => {
  const test_ = await testDatabase()
  const { knex, close } = openDatabase(test_.gateway, session)
  const boss = await openQueue(test_.gateway, { poolSize: 1, onError: () => undefined })
  await knex.transaction(async trx => {
    const jobs = ['dlv_1', 'dlv_2', 'dlv_3'].map(delivery => ({ data: { delivery } }))
    await boss.insert(deliverQueue, jobs, { db: fromKnex(trx) })
  })
  const jobs = await boss.fetch<{ delivery: string }>(deliverQueue, { batchSize: 9 })
  expect(jobs.map(({ data }) => data.delivery).sort()).toEqual(['dlv_1', 'dlv_2', 'dlv_3'])
  await boss.stop({ graceful: false })
  await close()
  await test_.drop()
})

test('the job of a courier that died goes to another one', async () => {
  const test_ = await testDatabase()
  const { knex, close } = openDatabase(test_.gateway, session)
  const boss = await openQueue(test_.gateway, { poolSize: 1, onError: () => undefined })
  await boss.send(
    deliverQueue,
    { delivery: 'dlv_1' },
    { heartbeatSeconds: 10, retryDelay: 0, retryBackoff: false },
  )
  const [held] = await boss.fetch(deliverQueue)
  await boss.supervise(deliverQueue)
  expect(await boss.fetch(deliverQueue)).toEqual([])

  await knex.raw("UPDATE pgboss.job SET heartbeat_on = now() - interval '11 s'")
  await knex.raw('UPDATE pgboss.queue SET monitor_on = NULL, monitor_claim_on = NULL')
  await boss.supervise(deliverQueue)
  const [again] = await boss.fetch(deliverQueue)
  expect(again?.id).toBe(held?.id)
  await boss.stop({ graceful: false })
  await close()
  await test_.drop()
})

test('supervision needs nothing that the gateway role may not do', async () => {
  const test_ = await testDatabase()
  const errors: unknown[] = []
  const boss = await openQueue(test_.gateway, { poolSize: 2, onError: error => errors.push(error) })
  await boss.supervise(deliverQueue)
  await boss.supervise()
  await new Promise(resolve => setTimeout(resolve, 500))
  expect(errors).toEqual([])
  await boss.stop({ graceful: false })
  await test_.drop()
})

test('a queue schema of another version is schema_outdated', async () => {
  const test_ = await testDatabase()
  const { knex, close } = openDatabase(test_.owner, session)
  await knex.raw('UPDATE pgboss.version SET version = version - 1')
  await close()
  await expect(openQueue(test_.gateway, { poolSize: 1, onError: () => undefined })).rejects.toMatchObject({
    code: 'schema_outdated',
  })
  await test_.drop()
})
