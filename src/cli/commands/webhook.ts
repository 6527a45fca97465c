import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { Knex } from 'knex'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import {
  addWebhook,
  callOutcome,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateSecret,
  type Secreted,
  testWebhook,
  type WebhookSummary,
} from '../../webhooks/index.ts'
import { parseDescriptor } from '../descriptor.ts'
import { inert, print, printJson } from '../output.ts'
import { readPassphrase } from '../passphrase.ts'
import { withOwner } from '../with-owner.ts'

const hour = 3_600_000

interface Asked {
  readonly passphraseFd?: number
  readonly json?: true
}

/** `webhook add|list|test|rotate|enable|remove`: where applications are told what becomes of their messages (docs/webhooks.md). */
export function webhookCommand(): Command {
  const webhook = new Command('webhook').description(
    'where applications are told what becomes of their messages',
  )
  webhook
    .command('add')
    .description('call a URL from now on, and print the secret that its calls are signed by, once')
    .argument('<application>', 'its name')
    .argument('<url>', 'https:// and a host name; its path and query may hold a secret of yours')
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .option('--json', 'answer as JSON')
    .action(async (application: string, url: string, options: Asked) => {
      const passphrase = await readPassphrase(options.passphraseFd, 'Passphrase: ')
      const wish = { application, url }
      show(await withOwner(knex => addWebhook(knex, systemClock, wish, passphrase)), options)
    })
  webhook
    .command('list')
    .description('all of them, and how their last calls went')
    .option('--json', 'answer as JSON')
    .action(async ({ json }: Asked) => {
      const webhooks = await withOwner(listWebhooks)
      if (json) printJson(webhooks)
      else for (const each of webhooks) print(inert(line(each)))
    })
  webhook
    .command('test')
    .description('have it called once by the gateway, and wait for how that goes')
    .argument('<id>')
    .action(async (id: string) => {
      const said = await withOwner(knex => tryOnce(knex, id))
      if (said !== 'ok') process.exitCode = 1
      print(inert(`${id}: ${said}`))
    })
  webhook
    .command('rotate')
    .description('another secret, printed once; for a while calls are signed by both')
    .argument('<id>')
    .option('--overlap-hours <n>', 'how long the former one signs, too', parseHours, 24)
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .option('--json', 'answer as JSON')
    .action(async (id: string, options: Asked & { overlapHours: number }) => {
      const passphrase = await readPassphrase(options.passphraseFd, 'Passphrase: ')
      const overlap = options.overlapHours * hour
      show(await withOwner(knex => rotateSecret(knex, systemClock, id, overlap, passphrase)), options)
    })
  webhook
    .command('enable')
    .description('call one again that was disabled because it failed for days')
    .argument('<id>')
    .action(async (id: string) => {
      await withOwner(knex => enableWebhook(knex, systemClock, id))
      print(inert(`${id}: called again`))
    })
  webhook
    .command('remove')
    .description('call it no more')
    .argument('<id>')
    .action(async (id: string) => {
      await withOwner(knex => removeWebhook(knex, systemClock, id))
      print(inert(`${id}: removed`))
    })
  return webhook
}

/** How its test went: `ok`, or a code, or why there is none. */
async function tryOnce(knex: Knex, id: string): Promise<string> {
  const call = await testWebhook(knex, systemClock, { kind: 'host' }, id)
  for (let waited = 0; waited < 40; waited++) {
    const state = await callOutcome(knex, call)
    if (state === 'delivered') return 'ok'
    if (state === 'given_up') {
      const webhooks = await listWebhooks(knex)
      return webhooks.find(each => each.id === id)?.lastFailure ?? 'removed meanwhile'
    }
    await sleep(500)
  }
  return 'nobody called it yet; does a courier run that was given the passphrase?'
}

function show({ id, secret }: Secreted, { json }: Asked): void {
  if (json) printJson({ id, secret })
  else print(`${id}\n${secret}\n\nGive this secret to the receiver now; it is not shown again.`)
}

function line({ id, name, url, calledAt, lastFailure, disabledAt, waiting }: WebhookSummary): string {
  const last = calledAt === null ? 'never called' : `${calledAt.toISOString()} ${lastFailure ?? 'ok'}`
  const state = disabledAt === null ? 'in force' : 'disabled'
  return `${id}  ${name}  ${url}  ${state}  ${last}  ${waiting} waiting`
}

function parseHours(text: string): number {
  if (/^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 168) return Number(text)
  throw new SealpostError('usage', { detail: '--overlap-hours must be a number from 0 to 168' })
}
