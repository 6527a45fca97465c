import type { Knex } from 'knex'
import { type Clock, SealpostError } from '../kernel/index.ts'
import type { NoteSigner } from '../tlog/index.ts'
import { type DkimSigningKey, hasDkimKeys, openDkimKeys } from './dkim.ts'
import { openLogKey } from './log-key.ts'
import { type OpenedSigningKey, openSigningKey } from './signing-key.ts'
import { type OpenWebhookSecret, openWebhookSecrets } from './webhook-secret.ts'

/** What the passphrase opened for a replica. */
export interface OpenedKeys {
  /** Undefined on a replica that does not seal. */
  readonly signing: OpenedSigningKey | undefined
  readonly dkim: readonly DkimSigningKey[]
  /** Undefined on a replica that opened nothing: others call webhooks. */
  readonly webhooks: OpenWebhookSecret | undefined
  /** What signs checkpoints of the audit log; undefined on a replica that opened nothing. */
  readonly log: NoteSigner | undefined
}

interface Needs {
  readonly seals: boolean
  readonly sends: boolean
  /** Whether there are webhooks, which who sends calls. Default: none. */
  readonly calls?: boolean
  readonly origin: string
}

/**
 * Opens what a replica needs that `seals` messages or `sends` them; the passphrase is asked for only when there is such a
 * thing. Whoever opens something opens the key of the audit log, too; the first makes it, of that name. Throws what
 * `openSigningKey`, `openDkimKeys` and `openLogKey` throw; `sealed` when a replica that only sends has no passphrase,
 * and mails or calls of webhooks are to be signed: it does not go on without.
 */
export async function unsealFor(
  knex: Knex,
  clock: Clock,
  { seals, sends, calls = false, origin }: Needs,
  readPassphrase: () => Promise<string>,
): Promise<OpenedKeys> {
  const signsMail = sends && (await hasDkimKeys(knex))
  const signsCalls = sends && calls
  if (!seals && !signsMail && !signsCalls)
    return { signing: undefined, dkim: [], webhooks: undefined, log: undefined }
  const passphrase = await readPassphrase().catch((cause: unknown) => {
    if (seals) throw cause
    throw new SealpostError('sealed', {
      detail:
        'mails are signed by DKIM or webhooks are called, so a courier needs the passphrase, too: --passphrase-fd; or end that: custody dkim retire, webhook remove',
      cause,
    })
  })
  const signing = await openSigningKey(knex, clock, passphrase)
  const dkim = signsMail ? await openDkimKeys(knex, signing.keyEncryptionKey) : []
  const webhooks = openWebhookSecrets(signing.keyEncryptionKey)
  const log = await openLogKey(knex, clock, origin, signing.keyEncryptionKey)
  if (seals) return { signing, dkim, webhooks, log }
  signing.keyEncryptionKey.fill(0)
  return { signing: undefined, dkim, webhooks, log }
}
