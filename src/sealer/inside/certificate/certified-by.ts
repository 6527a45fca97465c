import type { KeyPacket } from './key-packet.ts'
import { isSignedBy } from './library.ts'
import type { OutlinedUserId } from './outline.ts'
import { isPast, type Judge } from './self-signature.ts'
import type { SignaturePacket } from './signature-packet.ts'

/** 0x11 says of itself that nothing was checked (RFC 9580 section 5.2.1.5). */
const unchecked = 0x11

/**
 * Whether the newest certification of the user ID that names `certifier` is really its own, meant for others to see, in
 * date, and with an allowed hash. `certifier` is another key than the judged one, and sound; the user ID is an accepted
 * one, so that nobody has revoked anything about it.
 */
export async function isCertifiedBy(
  certifier: KeyPacket,
  judge: Judge,
  userId: OutlinedUserId,
): Promise<boolean> {
  if (certifier.fingerprint === judge.primary.fingerprint) return false
  const named = userId.signatures.filter(signature => signature.issuers.has(certifier.keyId))
  const newest = named.sort((a, b) => b.created.getTime() - a.created.getTime())[0]
  if (newest === undefined || !isUsable(newest, certifier, judge)) return false
  return isSignedBy(certifier, newest, { userId: userId.body }, judge.primary)
}

function isUsable(signature: SignaturePacket, certifier: KeyPacket, { policy, at }: Judge): boolean {
  return (
    signature.exportable &&
    signature.type !== unchecked &&
    policy.signatureHashes.includes(signature.hash) &&
    signature.created >= certifier.created &&
    signature.created <= at &&
    !isPast(signature.expires, at)
  )
}
