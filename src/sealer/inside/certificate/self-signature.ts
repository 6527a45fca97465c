import type { CertificatePolicy } from '../../protocol.ts'
import type { KeyPacket } from './key-packet.ts'
import { isSignedBy, type Signed } from './library.ts'
import { claimsIssuer, type SignaturePacket } from './signature-packet.ts'

/** The newest self-signature over one thing, and how it stands. Older ones are never fallen back to. */
export type SelfSignature =
  | { readonly standing: 'missing' }
  | {
      readonly standing: 'unknown' | 'doubtful' | 'future' | 'weak' | 'expired' | 'invalid' | 'valid'
      readonly signature: SignaturePacket
    }

/** What every self-signature of a certificate is judged by. */
export interface Judge {
  readonly primary: KeyPacket
  /** False: the primary key is itself refused, so what it signed shows nothing and is `unknown`. */
  readonly primaryIsSound: boolean
  readonly policy: CertificatePolicy
  readonly at: Date
}

export async function newestSelfSignature(
  judge: Judge,
  signatures: readonly SignaturePacket[],
  over: Signed,
): Promise<SelfSignature> {
  const { primary, policy, at } = judge
  const own = signatures.filter(signature => claimsIssuer(signature, primary))
  const newestTime = Math.max(...own.map(signature => signature.created.getTime()))
  const [signature, ...rivals] = own.filter(candidate => candidate.created.getTime() === newestTime)
  if (signature === undefined) return { standing: 'missing' }
  // Two of the same second that differ: which one counts is left open by the RFC, so neither does.
  if (rivals.some(rival => Buffer.compare(rival.body, signature.body) !== 0)) {
    return { standing: 'invalid', signature }
  }
  // The library does not verify what names a revoker; that it does is a reason of its own.
  if (!judge.primaryIsSound || signature.namesRevoker) return { standing: 'unknown', signature }
  // Verified before anything in it is believed, its time and hash too: else changing one octet of a binding would make
  // it merely weak or early, and its subkey give way to an older one.
  if (!(await isSignedBy(primary, signature, over))) {
    // The library does not even try EdDSA over a short hash, so these may be genuine or not.
    const tried = policy.signatureHashes.includes(signature.hash)
    return { standing: tried ? 'invalid' : 'doubtful', signature }
  }
  return { standing: standingOf(signature, policy, at), signature }
}

function standingOf(
  signature: SignaturePacket,
  policy: CertificatePolicy,
  at: Date,
): 'future' | 'weak' | 'expired' | 'valid' {
  if (signature.created > at) return 'future'
  if (!policy.signatureHashes.includes(signature.hash)) return 'weak'
  return isPast(signature.expires, at) ? 'expired' : 'valid'
}

export function isPast(end: Date | undefined, at: Date): boolean {
  return end !== undefined && end <= at
}

/** When a key ends whose self-signature says how long it lives (RFC 9580 section 5.2.3.13). */
export function keyEnd(key: KeyPacket, signature: SignaturePacket): Date | undefined {
  return signature.keyLifetime === undefined
    ? undefined
    : new Date(key.created.getTime() + signature.keyLifetime * 1000)
}

export function earliest(...ends: readonly (Date | undefined)[]): Date | undefined {
  return ends.reduce(
    (first, end) => (first === undefined || (end !== undefined && end < first) ? end : first),
    undefined,
  )
}
