import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../audit/index.ts'
import { type Clock, SealpostError } from '../kernel/index.ts'
import { isUniqueViolation } from '../platform/index.ts'
import { keyEncryptionKeyBy } from './signing-key.ts'
import { findDkimKeys, insertDkimKey, retireDkimKey, type StoredDkimKey } from './store.ts'
import { unwrap, wrap } from './wrap.ts'

const host: Actor = { kind: 'host' }
const generate = promisify(generateKeyPair)

/** What may be told of a DKIM key. */
export type DkimKeyRecord = Omit<StoredDkimKey, 'nonce' | 'sealed'>

/** An opened key, as `delivery/` signs with it. */
export interface DkimSigningKey {
  readonly domain: string
  readonly selector: string
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  readonly key: KeyObject
}

/**
 * Makes the key that signs mails of `domain` from the next start of each replica on, wrapped like the signing key, by the
 * same passphrase; what signed until now is retired. RSA with 2048 bits: what every verifier takes (RFC 8301), and what
 * fits into one answer of DNS. Throws `key_missing` before `custody init`, `passphrase_wrong`, `name_taken` when the domain had
 * such a selector before, `usage` for what is no domain or selector.
 */
export async function initDkimKey(
  knex: Knex,
  clock: Clock,
  { domain, selector }: Pick<DkimKeyRecord, 'domain' | 'selector'>,
  passphrase: string,
): Promise<DkimKeyRecord> {
  if (!isName(selector) || !isName(domain)) {
    throw new SealpostError('usage', {
      detail: 'domain and selector are names of DNS, of lower-case letters, digits, hyphens and dots',
    })
  }
  const keyEncryptionKey = await keyEncryptionKeyBy(knex, clock, passphrase)
  const algorithm = 'rsa-sha256'
  const { privateKey, publicKey } = await generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const named = { domain, selector, algorithm, publicKey: publicKey.toString('base64') } as const
  const wrapped = wrap(privateKey, keyEncryptionKey, 'dkim', aboutKey(named))
  privateKey.fill(0)
  keyEncryptionKey.fill(0)
  const createdAt = clock.now()
  try {
    await knex.transaction(async trx => {
      const retired = await retireDkimKey(trx, domain, createdAt)
      await insertDkimKey(trx, { ...named, ...wrapped }, createdAt)
      await appendEvents(trx, clock, [
        ...(retired === undefined ? [] : [retirement(domain, retired)]),
        { actor: host, event: { type: 'dkim.key.generated', domain, selector } },
      ])
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new SealpostError('name_taken')
    throw error
  }
  return { ...named, createdAt, retiredAt: null }
}

/** Ends the signing for a domain, from the next start of each replica on. Throws `not_found`. */
export async function retireCurrentDkimKey(knex: Knex, clock: Clock, domain: string): Promise<string> {
  return knex.transaction(async trx => {
    const selector = await retireDkimKey(trx, domain, clock.now())
    if (selector === undefined) throw new SealpostError('not_found')
    await appendEvents(trx, clock, [retirement(domain, selector)])
    return selector
  })
}

/** All there were, the newest first. */
export async function listDkimKeys(knex: Knex): Promise<readonly DkimKeyRecord[]> {
  const keys = await findDkimKeys(knex)
  return keys.map(({ nonce: _nonce, sealed: _sealed, ...record }) => record)
}

/** The keys that sign now, opened. Throws `passphrase_wrong` when one does not open, or is not the key DNS was told of. */
export async function openDkimKeys(
  knex: Knex,
  keyEncryptionKey: Uint8Array,
): Promise<readonly DkimSigningKey[]> {
  const keys = await findDkimKeys(knex)
  return keys.filter(({ retiredAt }) => retiredAt === null).map(stored => open(stored, keyEncryptionKey))
}

function open(stored: StoredDkimKey, keyEncryptionKey: Uint8Array): DkimSigningKey {
  const { domain, selector, algorithm } = stored
  try {
    const secret = unwrap(stored, keyEncryptionKey, 'dkim', aboutKey(stored))
    const key = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' })
    secret.fill(0)
    return { domain, selector, algorithm, key }
  } catch (cause) {
    throw new SealpostError('passphrase_wrong', { detail: `the DKIM key ${selector} of ${domain}`, cause })
  }
}

/** Whether mails of any domain are to be signed. */
export async function hasDkimKeys(knex: Knex): Promise<boolean> {
  return (await findDkimKeys(knex)).some(({ retiredAt }) => retiredAt === null)
}

/** The record to publish: its name, and its text in strings of at most 255 octets (RFC 6376 section 3.6.2.2). */
export function dkimRecord({ domain, selector, algorithm, publicKey }: DkimKeyRecord): {
  readonly name: string
  readonly strings: readonly string[]
} {
  const isRsa = algorithm === 'rsa-sha256'
  const der = Buffer.from(publicKey, 'base64')
  // RFC 8463 section 4: the bare key.
  const raw = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' }).x ?? ''
  const data = isRsa ? publicKey : Buffer.from(raw, 'base64url').toString('base64')
  const text = `v=DKIM1; k=${isRsa ? 'rsa' : 'ed25519'}; h=sha256; p=${data}`
  return { name: `${selector}._domainkey.${domain}`, strings: text.match(/.{1,255}/g) ?? [] }
}

/** The public half is part of it, so that DNS is never told of another key than the one that signs. */
function aboutKey({
  domain,
  selector,
  algorithm,
  publicKey,
}: Pick<StoredDkimKey, 'domain' | 'selector' | 'algorithm' | 'publicKey'>): string {
  return JSON.stringify(['dkim', domain, selector, algorithm, publicKey])
}

function retirement(domain: string, selector: string) {
  return { actor: host, event: { type: 'dkim.key.retired', domain, selector } } as const
}

function isName(text: string): boolean {
  return /^(?=.{1,190}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/.test(
    text,
  )
}
