import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type House, openHouse } from '../support/house.ts'
import { putOnRecord } from '../support/on-record.ts'

// Each starts the program a few times, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const program = new URL('../../bin/sealpost', import.meta.url).pathname
let house: House
let directory: string
beforeAll(async () => {
  house = await openHouse()
  const { address } = await house.addRecipient('disputes@acquirer.example')
  await putOnRecord(house.owner, address)
  directory = mkdtempSync(join(tmpdir(), 'sealpost-evidence-'))
}, 60_000)
afterAll(async () => {
  rmSync(directory, { recursive: true })
  await house.close()
})

/** With the settings of the host, or with none at all, as on an auditor's computer. */
function run(where: 'host' | 'elsewhere', ...args: readonly string[]) {
  const { owner } = house.database
  if (owner.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const settings = {
    SEALPOST_DATABASE_SOCKET: owner.directory,
    SEALPOST_DATABASE_NAME: owner.database,
    SEALPOST_MAIL_HOST: 'gateway.test',
  }
  const env = { PATH: process.env['PATH'] ?? '', ...(where === 'host' ? settings : {}) }
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: directory, env })
  return { status, stdout, stderr }
}

test('an auditor signs in, finds the delivery, takes its evidence and verifies it on a computer of their own', async () => {
  const message = { from: house.sender, to: ['disputes@acquirer.example'], subject: 'Refund', text: 'Card' }
  const { id } = (await house.client.post(message)).body as { id: string }
  await expect
    .poll(async () => (await house.client.get(`/v1/messages/${id}`)).body, { timeout: 30_000 })
    .toMatchObject({ state: 'delivered' })

  const auditor = await house.signedIn('olga', 'auditor')
  // Searches see what the log has taken in: that takes a moment.
  let delivery = ''
  await expect
    .poll(
      async () => {
        const list = await auditor.get('/deliveries')
        ;[, delivery = ''] = /href="(\/deliveries\/dlv_[0-9a-z]+)"/.exec(list.text) ?? []
        return delivery
      },
      { timeout: 30_000 },
    )
    .not.toBe('')
  const page = await auditor.get(delivery)
  const [, link = ''] = /href="(\/v1\/messages\/msg_[0-9a-z]+\/evidence)"/.exec(page.text) ?? []
  expect(link).toBe(`/v1/messages/${id}/evidence`)
  const { status, text } = await auditor.get(link)
  expect(status, text).toBe(200)
  writeFileSync(join(directory, 'evidence.json'), text)
  writeFileSync(join(directory, 'kept.eml'), house.inbox.at(-1)?.bytes ?? '')

  const key = run('host', 'audit', 'key').stdout.trim()
  const verify = ['audit', 'verify', '--evidence', 'evidence.json', '--key', key]
  const verified = run('elsewhere', ...verify, '--ciphertext', 'kept.eml')
  expect(verified, verified.stderr).toMatchObject({ status: 0 })
  expect(verified.stdout).toContain(`${delivery.slice('/deliveries/'.length)} to disputes@acquirer.example`)
  expect(verified.stdout).toMatch(/verified .* by ada .*, phone/)
  expect(verified.stdout.trimEnd()).toMatch(/\nOK: nothing is wrong$/)
  expect(JSON.parse(run('elsewhere', ...verify, '--json').stdout)).toMatchObject({ ok: true, findings: [] })

  // The same by a command at the host, which writes over nothing.
  const issue = ['audit', 'evidence', id, '--to', 'again.json']
  expect(run('host', ...issue)).toMatchObject({ status: 0 })
  expect(readFileSync(join(directory, 'again.json'), 'utf8')).toBe(text)
  expect(run('host', ...issue).status).toBe(2)

  writeFileSync(join(directory, 'evidence.json'), text.replace('"delivered"', '"failed"'))
  const refused = run('elsewhere', ...verify)
  expect(refused.status).toBe(1)
  expect(refused.stdout).toContain('answers_wrong')
  writeFileSync(join(directory, 'other.eml'), 'another mail')
  writeFileSync(join(directory, 'evidence.json'), text)
  const other = run('elsewhere', ...verify, '--ciphertext', 'other.eml')
  expect(other).toMatchObject({ status: 1, stdout: expect.stringContaining('ciphertext_unknown') as string })
})
