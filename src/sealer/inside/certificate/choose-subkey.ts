import type { CertificateReason } from '../../protocol.ts'
import { type End, endAt, pastReasons, policyEnds } from './ends.ts'
import type { KeyPacket } from './key-packet.ts'
import { isKnown, keyReasons } from './key-strength.ts'
import type { OutlinedSubkey } from './outline.ts'
import { earliest, type Judge, keyEnd, newestSelfSignature } from './self-signature.ts'
import { types } from './signature-packet.ts'

const encryptionFlags = 0x04 | 0x08

interface Candidate {
  readonly key: KeyPacket
  readonly revoked: boolean
  /** Why this one cannot be used; empty when it can. */
  readonly reasons: readonly CertificateReason[]
  readonly ends: readonly End[]
}

export interface Choice {
  /** The subkey to pin, or when there is none, the newest that is meant for encryption. */
  readonly subkey: KeyPacket | undefined
  readonly ends: readonly End[]
  readonly reasons: readonly CertificateReason[]
}

/**
 * The newest encryption subkey that is sound, bound and in date. An expired or weak one makes room for an older one;
 * a revoked one does not: its owner said that something is wrong, and whoever removed a newer key would gain by it.
 * A subkey whose binding does not verify was put there by somebody else, and refuses the whole certificate.
 *
 * @param pinned fingerprint of the only one that may be chosen
 */
export async function chooseSubkey(
  judge: Judge,
  subkeys: readonly OutlinedSubkey[],
  pinned: string | undefined,
): Promise<Choice> {
  const reasons: CertificateReason[] = []
  const candidates: Candidate[] = []
  for (const subkey of subkeys) {
    const candidate = await assess(judge, subkey)
    // Of a kind that nothing here can read, a binding shows nothing.
    if (candidate === 'doubtful') reasons.push('hash_too_weak')
    else if (candidate === 'unbound')
      reasons.push(isKnown(subkey.key) ? 'subkey_binding_invalid' : 'algorithm_not_allowed')
    else if (candidate !== undefined) candidates.push(candidate)
  }
  candidates.sort((a, b) => newestFirst(a.key, b.key))
  const eligible = candidates.filter(({ key }) => pinned === undefined || key.fingerprint === pinned)
  const chosen = eligible.find(candidate => candidate.reasons.length === 0 && !candidate.revoked)
  const revoked = candidates.find(candidate => candidate.revoked)
  if (revoked !== undefined && (chosen === undefined || revoked.key.created >= chosen.key.created)) {
    reasons.push('subkey_revoked')
  }
  if (chosen === undefined) reasons.push(...eligible.flatMap(candidate => candidate.reasons))
  if (eligible.length === 0 && reasons.length === 0) reasons.push('no_encryption_subkey')
  const shown = chosen ?? eligible[0]
  return { subkey: shown?.key, ends: shown?.ends ?? [], reasons }
}

/** Undefined when the subkey is for something else. */
async function assess(
  judge: Judge,
  subkey: OutlinedSubkey,
): Promise<Candidate | 'unbound' | 'doubtful' | undefined> {
  const { key } = subkey
  const bindings = subkey.signatures.filter(signature => signature.type === types.subkeyBinding)
  const binding = await newestSelfSignature(judge, bindings, { subkey: key })
  if (binding.standing === 'missing' || binding.standing === 'invalid') return 'unbound'
  if (binding.standing === 'doubtful') return 'doubtful'
  if (!key.encrypts || ((binding.signature.keyFlags ?? 0) & encryptionFlags) === 0) return undefined

  const reasons: CertificateReason[] = [...keyReasons(key, judge.policy.encryptionAlgorithms, judge.policy)]
  const own = earliest(keyEnd(key, binding.signature), binding.signature.expires)
  const ends = [...endAt(own, 'subkey_expired'), ...policyEnds(key, judge.policy)]
  if (binding.standing === 'future' || key.created > judge.at) reasons.push('not_yet_valid')
  if (binding.standing === 'weak') reasons.push('hash_too_weak')
  reasons.push(...pastReasons(ends, judge.at))
  const revoked = subkey.signatures.some(signature => signature.type === types.subkeyRevocation)
  return { key, revoked, reasons, ends }
}

/** Of two made in the same second, the fingerprint decides, so that the order in the file never does. */
function newestFirst(a: KeyPacket, b: KeyPacket): number {
  return b.created.getTime() - a.created.getTime() || (a.fingerprint < b.fingerprint ? 1 : -1)
}
