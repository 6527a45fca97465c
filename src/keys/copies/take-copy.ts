import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type Address, type Clock, type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { NoticeSender } from '../../notices/index.ts'
import type { CertificatePolicy, Format, Inspector } from '../../sealer/host/index.ts'
import { endRevokedSubkey, revokeCertificate } from '../life/revoke.ts'
import type { StopDeliveries } from '../life/stop.ts'
import { findFinishing, findStored, replaceCopy } from './store.ts'

export type CopySource = 'upload' | 'wkd' | 'vks'

export interface CopyDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly inspector: Pick<Inspector, 'inspect' | 'revokes' | 'merge'>
  readonly stop: StopDeliveries
  readonly sender: NoticeSender
  /** The policy in force; undefined when there is none: then a copy can revoke, and nothing else. */
  readonly policy: (knex: Knex) => Promise<CertificatePolicy | undefined>
}

/** A file that may be a newer copy of a certificate that we have. */
export interface OfferedCopy {
  readonly actor: Actor
  /** Of the certificate that we have. */
  readonly fingerprint: string
  readonly bytes: Uint8Array
  readonly source: CopySource
}

/**
 * What came of it. `another`: the file is a certificate, but not this one. `refused`: it is this one, but cannot be used
 * as it is, or not be read at all. `renewed`: it is kept, and the end moved; what is kept and does not move the end is
 * `unchanged` for everybody but us.
 */
export type CopyOutcome =
  | { readonly outcome: 'revoked' | 'another' }
  | ({ readonly outcome: 'unchanged' | 'refused' } & Newer)
  | ({ readonly outcome: 'renewed'; readonly expiresAt: Date | null } & Newer)

interface Newer {
  /** Both copies as one, when another subkey than the pinned one would be chosen in it: something to propose. */
  readonly newer?: Uint8Array
}

/** What we have of a certificate. */
export interface StoredCopy {
  readonly recipient: RecipientId
  readonly address: Address
  readonly bytes: Uint8Array
  readonly encryptionSubkey: string
  readonly state: 'active' | 'retired' | 'revoked'
  readonly expiresAt: Date | null
  readonly format: Format
}

/**
 * Takes from another copy of a certificate what it may change of ours, and nothing else: it may revoke, and while the
 * certificate is active it may move its end, when both copies together are accepted with the same primary key and the
 * same pinned subkey. A newer subkey is pointed out and not used. What was revoked stays so: a revocation of the primary
 * key or of the pinned subkey ends everything under the primary key, one of a subkey that was replaced before ends what is
 * still on its way to that one. Throws `not_found`, and what the sandbox throws.
 */
export async function takeCopy(deps: CopyDependencies, offered: OfferedCopy): Promise<CopyOutcome> {
  const { knex, clock, inspector } = deps
  const stored = await findStored(knex, offered.fingerprint)
  if (stored === undefined) throw new SealpostError('not_found')
  if (stored.state === 'revoked') return { outcome: 'unchanged' }

  const { address, bytes: known, encryptionSubkey: pinned } = stored
  if (await inspector.revokes(offered.bytes, known, pinned)) return revoke(deps, offered)
  if (stored.state === 'active') await endReplaced(deps, offered, stored.recipient)
  const policy = await deps.policy(knex)
  if (policy === undefined) return { outcome: 'unchanged' }

  const at = clock.now()
  const seen = await inspector.inspect(offered.bytes, address, at, policy, { pinned })
  if (seen.fingerprint === null) return { outcome: 'refused' }
  if (seen.fingerprint !== offered.fingerprint) return { outcome: 'another' }
  if (saysRevoked(seen.reasons, offered.source)) return revoke(deps, offered)

  const [merged, same] = await Promise.all([
    inspector.merge(known, offered.bytes),
    inspector.merge(known, known),
  ])
  if (merged === undefined) return { outcome: 'refused' }
  const [free, verdict] = await Promise.all([
    inspector.inspect(merged, address, at, policy),
    inspector.inspect(merged, address, at, policy, { pinned }),
  ])
  const newer: Newer = free.verdict === 'accept' && free.encryptionSubkey !== pinned ? { newer: merged } : {}
  if (stored.state !== 'active') return { outcome: 'unchanged', ...newer }
  if (verdict.verdict === 'reject' || verdict.encryptionSubkey !== pinned || verdict.format === null)
    return { outcome: 'refused', ...newer }
  const expiresAt = verdict.expires === null ? null : new Date(verdict.expires)
  if (same !== undefined && Buffer.from(same).equals(merged) && sameTime(expiresAt, stored.expiresAt))
    return { outcome: 'unchanged', ...newer }
  const renewed = { ...stored, bytes: merged, expiresAt, format: verdict.format }
  const kept = await keep(deps, offered, stored, renewed)
  return kept && !sameTime(expiresAt, stored.expiresAt)
    ? { outcome: 'renewed', expiresAt, ...newer }
    : { outcome: 'unchanged', ...newer }
}

async function endReplaced(
  { knex, clock, inspector, stop }: CopyDependencies,
  { actor, fingerprint, bytes }: OfferedCopy,
  recipient: RecipientId,
): Promise<void> {
  for (const finishing of await findFinishing(knex, fingerprint, clock.now())) {
    const { encryptionSubkey } = finishing
    if (!(await inspector.revokes(bytes, finishing.bytes, encryptionSubkey))) continue
    const name = { fingerprint, encryptionSubkey }
    await knex.transaction(trx => endRevokedSubkey(trx, clock, { actor, stop }, recipient, name))
  }
}

/**
 * A revocation that does not verify is either forged or of a kind that nothing here can read. The owner's own domain and
 * whoever has their link could stop their mail anyway, so from there it counts; a keyserver could stop everybody's.
 */
function saysRevoked(reasons: readonly string[], source: CopySource): boolean {
  return source !== 'vks' && (reasons.includes('primary_revoked') || reasons.includes('user_id_revoked'))
}

async function revoke(
  { knex, clock, stop, sender }: CopyDependencies,
  { actor, fingerprint, source }: OfferedCopy,
): Promise<CopyOutcome> {
  const means = source === 'upload' ? 'upload' : 'refresh'
  const order = { actor, means, reason: 'unknown', fingerprint, stop, sender } as const
  const { outcome } = await knex.transaction(trx => revokeCertificate(trx, clock, order))
  return { outcome: outcome === 'revoked' ? 'revoked' : 'unchanged' }
}

/** Whether it was kept: not when somebody changed the certificate meanwhile; then the next copy will do. */
async function keep(
  { knex, clock }: CopyDependencies,
  { actor, fingerprint, source }: OfferedCopy,
  stored: StoredCopy,
  renewed: StoredCopy,
): Promise<boolean> {
  const { recipient, expiresAt } = renewed
  return knex.transaction(async trx => {
    if (!(await replaceCopy(trx, fingerprint, stored, renewed))) return false
    const expires = expiresAt?.toISOString() ?? null
    const type = 'certificate.refreshed'
    await appendEvents(trx, clock, [
      { actor, event: { type, recipient, certificate: fingerprint, source, expires } },
    ])
    return true
  })
}

function sameTime(one: Date | null, other: Date | null): boolean {
  return one?.getTime() === other?.getTime()
}
