import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../audit/index.ts'
import { type Clock, SealpostError } from '../kernel/index.ts'
import { isUniqueViolation } from '../platform/index.ts'
import { formatVerifier, type NoteSigner, noteSigner } from '../tlog/index.ts'
import { currentLogKey, findLogKeys, insertLogKey, type LogKeyRecord, type StoredLogKey } from './store.ts'
import { unwrap, wrap } from './wrap.ts'

export type { LogKeyRecord } from './store.ts'

const host: Actor = { kind: 'host' }

/**
 * Opens the key that signs checkpoints of the audit log; when there is none, makes it, with `origin` for its name and the log's.
 * A log keeps its name: `origin` matters this once. Throws `passphrase_wrong` when it does not open, or is not the key auditors
 * were told of.
 */
export async function openLogKey(
  knex: Knex,
  clock: Clock,
  origin: string,
  keyEncryptionKey: Uint8Array,
): Promise<NoteSigner> {
  const stored = (await currentLogKey(knex)) ?? (await makeLogKey(knex, clock, origin, keyEncryptionKey))
  try {
    const secret = unwrap(stored, keyEncryptionKey, 'log', aboutKey(stored))
    const signer = noteSigner(stored.origin, createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' }))
    secret.fill(0)
    if (formatVerifier(signer.verifier) !== stored.verifier) throw new Error('another key')
    return signer
  } catch (cause) {
    throw new SealpostError('passphrase_wrong', { detail: 'the key of the audit log', cause })
  }
}

/** All there were, the newest first. */
export function listLogKeys(knex: Knex): Promise<readonly LogKeyRecord[]> {
  return findLogKeys(knex)
}

async function makeLogKey(
  knex: Knex,
  clock: Clock,
  origin: string,
  keyEncryptionKey: Uint8Array,
): Promise<StoredLogKey> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const verifier = formatVerifier(noteSigner(origin, privateKey).verifier)
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' })
  const key = { verifier, origin, ...wrap(secret, keyEncryptionKey, 'log', aboutKey({ verifier, origin })) }
  secret.fill(0)
  try {
    await knex.transaction(async trx => {
      await insertLogKey(trx, key, clock.now())
      await appendEvents(trx, clock, [{ actor: host, event: { type: 'log.key.generated', verifier } }])
    })
    return key
  } catch (error) {
    // Another replica was first.
    const theirs = isUniqueViolation(error) ? await currentLogKey(knex) : undefined
    if (theirs === undefined) throw error
    return theirs
  }
}

/** The public half is part of it, so that auditors are never told of another key than the one that signs. */
function aboutKey({ verifier, origin }: Pick<StoredLogKey, 'verifier' | 'origin'>): string {
  return JSON.stringify(['log', origin, verifier])
}
