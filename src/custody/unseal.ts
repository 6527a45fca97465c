import type { Knex } from 'knex'
import { type Clock, SealpostError } from '../kernel/index.ts'
import type { NoteSigner } from '../tlog/index.ts'
import { type DkimSigningKey, hasDkimKeys, openDkimKeys } from './dkim.ts'
import { openLogKey } from './log-key.ts'
import { type OpenedSigningKey, openSigningKey } from './signing-key.ts'

/** What the passphrase opened for a replica. */
export interface OpenedKeys {
  /** Undefined on a replica that does not seal. */
  readonly signing: OpenedSigningKey | undefined
  readonly dkim: readonly DkimSigningKey[]
  /** What signs checkpoints of the audit log; undefined on a replica that opened nothing. */
  readonly log: NoteSigner | undefined
}

/**
 * Opens what a replica needs that `seals` messages or `sends` them; the passphrase is asked for only when there is such a
 * thing. Whoever opens something opens the key of the audit log, too; the first makes it, of that name. Throws what
 * `openSigningKey`, `openDkimKeys` and `openLogKey` throw; `sealed` when a replica that only sends has no passphrase,
 * and mails are to be signed: it does not go on without.
 */
export async function unsealFor(
  knex: Knex,
  clock: Clock,
  { seals, sends, origin }: { readonly seals: boolean; readonly sends: boolean; readonly origin: string },
  readPassphrase: () => Promise<string>,
): Promise<OpenedKeys> {
  const signsMail = sends && (await hasDkimKeys(knex))
  if (!seals && !signsMail) return { signing: undefined, dkim: [], log: undefined }
  const passphrase = await readPassphrase().catch((cause: unknown) => {
    if (seals) throw cause
    throw new SealpostError('sealed', {
      detail:
        'mails are signed by DKIM, so a courier needs the passphrase, too: --passphrase-fd; or end that: custody dkim retire',
      cause,
    })
  })
  const signing = await openSigningKey(knex, clock, passphrase)
  const dkim = signsMail ? await openDkimKeys(knex, signing.keyEncryptionKey) : []
  const log = await openLogKey(knex, clock, origin, signing.keyEncryptionKey)
  if (seals) return { signing, dkim, log }
  signing.keyEncryptionKey.fill(0)
  return { signing: undefined, dkim, log }
}
