import type { Knex } from 'knex'
import type { Config, Secrets } from '../config/index.ts'
import type { OpenWebhookSecret } from '../custody/index.ts'
import type { Clock } from '../kernel/index.ts'
import { openFetcher } from '../platform/https/index.ts'
import type { Logger } from '../platform/index.ts'
import { anyWebhook, openCaller } from '../webhooks/index.ts'

interface Calling {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly isSound: () => boolean
  /** Undefined on a replica that opened no key. */
  readonly openSecret: OpenWebhookSecret | undefined
}

// A receiver has that long for an answer, in milliseconds, and the same again when the replica stops.
const patience = 15_000

/** Calls webhooks, on a replica with the role `courier`, until it stops. */
export function openCalling(
  opened: AsyncDisposableStack,
  { webhooks, roles }: Config,
  { webhooks: secrets }: Secrets,
  { knex, clock, log, isSound, openSecret }: Calling,
): void {
  if (!roles.includes('courier')) return
  if (openSecret === undefined) {
    // Started before there were webhooks, without a passphrase: others have to, or it has to be started anew.
    const warn = async (): Promise<void> => {
      if (await anyWebhook(knex)) log.warn('webhooks-sealed')
    }
    const timer = setInterval(() => {
      warn().catch((error: unknown) => log.error('webhooks-unread', error))
    }, 300_000).unref()
    opened.defer(() => clearInterval(timer))
    return
  }
  const poster = openFetcher({
    ca: secrets?.ca,
    allowedNetworks: webhooks?.allowedNetworks ?? [],
    deadline: patience,
  })
  const caller = openCaller({ knex, clock, log, poster, openSecret, isSound })
  opened.defer(() => caller.stop(patience))
}
