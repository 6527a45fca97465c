import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import {
  type Address,
  Plaintext,
  type ProposalId,
  type RecipientId,
  SealpostError,
} from '../../kernel/index.ts'
import { challengeText, outerOf, queueSealedNotice } from '../../notices/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { Parts } from '../dependencies.ts'

/** 130 bits, in an alphabet without look-alikes, for whoever has to type it. */
const codeForm = /^[0-9a-hjkmnp-tv-z]{26}$/
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const hour = 3_600_000

export interface Challenged {
  readonly recipient: RecipientId
  readonly address: Address
  readonly bytes: Uint8Array
  readonly encryptionSubkey: string
  readonly format: Format
}

/** A code and its mail, sealed to the proposed certificate, and stored nowhere yet. */
export interface Challenge {
  readonly nonce: { readonly sha256: Buffer; readonly expiresAt: Date }
  /** Queues the mail, with its event. */
  send(trx: Knex.Transaction, proposal: ProposalId): Promise<void>
}

/**
 * Makes a challenge. The mail goes the one way that every message goes: composed, signed and encrypted in a sealer, and
 * held against the outbound gate. Throws `sealed`, and what the sealer throws.
 */
export async function makeChallenge(
  { knex, clock, random, links, sealer, sender, policy }: Parts,
  { recipient, address, bytes, encryptionSubkey, format }: Challenged,
): Promise<Challenge> {
  if (sealer === undefined) throw new SealpostError('sealed')
  const { proofHours } = lifecycleOf(await policy(knex))
  const code = Array.from(random(26), octet => alphabet.charAt(octet & 31)).join('')
  const expiresAt = new Date(clock.now().getTime() + proofHours * hour)
  const stop = links.stop(recipient)
  const outer = outerOf(sender, address, clock)
  const words = challengeText({ until: expiresAt, proveToken: code, stopToken: stop.token }, sender)
  const message = { from: outer.from, to: [address], ...words }
  const target = { certificate: bytes, encryptionSubkey, format, outer }
  const { sealed } = await sealer.seal(bodyOf(message), { type: 'json' }, () => Promise.resolve([target]))
  const ciphertext = sealed[0]?.ciphertext
  if (ciphertext === undefined) throw new SealpostError('sealer_unavailable', { detail: 'no ciphertext' })
  return {
    nonce: { sha256: digestOf(code), expiresAt },
    async send(trx, proposal) {
      await stop.store(trx)
      const notice = { recipient, address, outer, ciphertext, format, encryptionSubkey }
      await queueSealedNotice(trx, clock, sender, notice)
      await appendEvents(trx, clock, [
        { actor: { kind: 'gateway' }, event: { type: 'possession.challenged', recipient, proposal } },
      ])
    },
  }
}

/** What is stored of a code; undefined for what cannot be one. Spaces, hyphens and capitals are the typist's. */
export function digestOfTyped(text: string): Buffer | undefined {
  const code = text.length > 100 ? '' : text.replace(/[\s-]/g, '').toLowerCase()
  return codeForm.test(code) ? digestOf(code) : undefined
}

function digestOf(code: string): Buffer {
  return createHash('sha256').update(code, 'ascii').digest()
}

async function* bodyOf(message: object): AsyncGenerator<Plaintext> {
  yield await Promise.resolve(new Plaintext(Buffer.from(JSON.stringify(message))))
}
