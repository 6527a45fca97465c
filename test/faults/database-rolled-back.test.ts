import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openDatabase } from '../../src/platform/index.ts'
import { eventually } from '../support/locks.ts'
import { send } from '../support/request.ts'
import { type Ground, openGround, type Serving, sender } from '../support/serve.ts'

// Each starts gateways of its own.
vi.setConfig({ testTimeout: 240_000 })

let ground: Ground
let superuser: { readonly knex: Knex; close(): Promise<void> }
const directory = mkdtempSync(join(tmpdir(), 'anchor-'))
beforeAll(async () => {
  ground = await openGround()
  superuser = openDatabase(ground.database.superuser, {
    applicationName: 'test',
    statementTimeout: 30_000,
    poolSize: 1,
  })
})
afterAll(async () => {
  await superuser.close()
  await ground.close()
  rmSync(directory, { recursive: true })
})

const serve = (): Promise<Serving> =>
  ground.serve({ settings: { SEALPOST_ANCHOR_DIRECTORY: directory, SEALPOST_ANCHOR_INTERVAL: '1' } })

async function readiness({ opsPort }: Serving): Promise<{ status: number; alarms: string[] }> {
  const { status, text } = await send({ port: opsPort, authority: ground.authority }, { path: '/readyz' })
  const { alarms } = JSON.parse(text) as { alarms: { code: string }[] }
  return { status, alarms: alarms.map(({ code }) => code) }
}

test('a gateway on a database that was put back takes no message: the anchor knows what came after', async () => {
  const first = await serve()
  await eventually('a checkpoint outside', () => readdirSync(directory).length > 0, 60)
  const before = readdirSync(directory).length
  const size = Number(readdirSync(directory).at(-1))
  const { address } = await ground.addRecipient('a@bank.test', 1)
  await eventually('another', () => readdirSync(directory).length > before, 60)
  expect(await readiness(first)).toEqual({ status: 200, alarms: [] })
  await first.kill()
  const tables = ['audit_events', 'audit_leaves', 'audit_tiles', 'audit_checkpoints', 'audit_anchors']
  await superuser.knex.transaction(async trx => {
    for (const table of tables) await trx.raw(`ALTER TABLE ${table} DISABLE TRIGGER ALL`)
    await trx.raw('DELETE FROM audit_leaves WHERE leaf >= ?', [size])
    await trx.raw('DELETE FROM audit_events WHERE seq NOT IN (SELECT seq FROM audit_leaves)')
    await trx.raw('DELETE FROM audit_checkpoints WHERE size > ?', [size])
    await trx.raw('DELETE FROM audit_anchors WHERE size > ?', [size])
    for (const table of tables) await trx.raw(`ALTER TABLE ${table} ENABLE TRIGGER ALL`)
  })

  const second = await serve()
  await eventually('the alarm', async () => (await readiness(second)).status === 503, 60)
  expect((await readiness(second)).alarms).toEqual(['anchor_ahead'])
  const post = { from: sender, to: [address], subject: 'Refund', text: 'Card 4111 1111 1111 1111' }
  expect(await second.client.post(post)).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } })
  const events = await ground.owner('audit_events').where('type', 'anchor.ahead').pluck<string[]>('body')
  expect(events.map(body => JSON.parse(body) as object)).toMatchObject([{ anchor: 'directory' }])
  await second.kill()
})
