import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initSigningKey } from '../../src/custody/index.ts'
import { type Address, newId, systemClock } from '../../src/kernel/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { openPost, type Post } from '../support/post.ts'
import { quickToDerive } from '../support/shortcut.ts'

let post: Post
beforeAll(async () => {
  post = await openPost()
})
afterAll(() => post.close())

const directory = mkdtempSync(join(tmpdir(), 'sealpost-passphrase-'))
afterAll(() => rmSync(directory, { recursive: true }))

const run = (...args: readonly string[]) =>
  command(args, { ...asOwnerOf(post.database), SEALPOST_MAIL_HOST: 'gateway.test' })

function runWith(passphrase: string, ...args: readonly string[]) {
  const path = join(directory, 'passphrase')
  writeFileSync(path, `${passphrase}\n`)
  return run(...args, '--passphrase-fd', String(openSync(path, 'r')))
}

describe('delivery', () => {
  test('lists what is in quarantine, releases it and cancels it, as the host', async () => {
    const [kept, freed] = [await post.acceptOne('a@bank.test'), await post.acceptOne('b@bank.test')]
    const changes = {
      state: 'quarantined',
      outcome: 'internal_error',
      attempts: 5,
      quarantined_at: new Date(),
    }
    await post.owner('deliveries').update(changes)
    const { status, stdout } = await run('delivery', 'list', '--quarantined', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ id: kept.delivery }, { id: freed.delivery }])

    expect(await run('delivery', 'release', freed.delivery)).toMatchObject({ status: 0 })
    expect(await run('delivery', 'cancel', kept.delivery)).toMatchObject({ status: 0 })
    expect((await post.status(freed.message)).state).toBe('queued')
    expect(await post.status(kept.message)).toMatchObject({ state: 'failed', outcome: 'cancelled' })
    const events = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
    expect(events.slice(-3).map(body => JSON.parse(body) as unknown)).toMatchObject([
      { type: 'delivery.released', delivery: freed.delivery, actor: { kind: 'host' } },
      { type: 'delivery.cancelled', delivery: kept.delivery, actor: { kind: 'host' } },
      { type: 'ciphertext.purged', delivery: kept.delivery },
    ])
  })

  test.each([
    ['what is not in quarantine', () => post.acceptOne('c@bank.test'), 'state_conflict'],
    ['what is not there', () => ({ delivery: newId('dlv', systemClock) }), 'not_found'],
    ['what is no delivery', () => ({ delivery: 'all' }), 'not_found'],
  ])('does not touch %s', async (_, make, code) => {
    const { delivery } = await make()
    for (const decision of ['release', 'cancel']) {
      expect(await run('delivery', decision, delivery)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(code) as string,
      })
    }
  })
})

describe('custody dkim', () => {
  const passphrase = 'as long as it has to be'

  test('makes a key by the passphrase, prints its record, lists and retires it', async () => {
    const none = await runWith(passphrase, 'custody', 'dkim', 'init', '--selector', 's1')
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('key_missing') as string })
    await initSigningKey(
      post.owner,
      systemClock,
      generateSigningKey,
      'gateway@gateway.test' as Address,
      passphrase,
      quickToDerive,
    )

    const made = await runWith(passphrase, 'custody', 'dkim', 'init', '--selector', 's1')
    expect(made.status).toBe(0)
    expect(made.stdout).toMatch(
      /^s1\._domainkey\.gateway\.test\. IN TXT \( "v=DKIM1; k=rsa; h=sha256; p=[^"]{200,255}" "[^"]+" \)$/m,
    )
    expect(made.stdout).not.toContain('PRIVATE')

    const listed = await run('custody', 'dkim', 'list', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { domain: 'gateway.test', selector: 's1', retiredAt: null, record: { type: 'TXT' } },
    ])
    const other = ['custody', 'dkim', 'init', '--domain', 'payments.test', '--selector', 's1']
    expect(await runWith('something else entirely', ...other)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('passphrase_wrong') as string,
    })
    expect((await run('custody', 'dkim', 'retire')).stdout).toContain('s1._domainkey.gateway.test: retired')
    expect((await run('custody', 'dkim', 'retire')).status).toBe(2)
  })
})
