import type { Address } from '../../../kernel/index.ts'
import type { CertificateReason } from '../../protocol.ts'
import type { OutlinedUserId } from './outline.ts'
import { type Judge, newestSelfSignature, type SelfSignature } from './self-signature.ts'
import { type SignaturePacket, types } from './signature-packet.ts'
import { userIdNames } from './user-id.ts'

export interface NamedAddress {
  /** The newest self-signature over the user ID that names the address; undefined when there is no good one. */
  readonly certification: SignaturePacket | undefined
  /** The user ID that it is over. */
  readonly userId: OutlinedUserId | undefined
  readonly reasons: readonly CertificateReason[]
}

/**
 * Whether the key itself says that it is for `address`: one good user ID with exactly that addr-spec is enough (a name
 * may have changed, and its old user ID been revoked); otherwise what is wrong with each that has it.
 */
export async function chooseUserId(
  judge: Judge,
  userIds: readonly OutlinedUserId[],
  address: Address,
): Promise<NamedAddress> {
  const malformed: readonly CertificateReason[] = userIds.some(({ text }) => text === undefined)
    ? ['user_id_malformed']
    : []
  const matching = userIds.filter(({ text }) => text !== undefined && userIdNames(text, address))
  if (matching.length === 0) {
    return { certification: undefined, userId: undefined, reasons: [...malformed, 'user_id_mismatch'] }
  }

  const reasons: CertificateReason[] = []
  const good: { readonly certification: SignaturePacket; readonly userId: OutlinedUserId }[] = []
  for (const userId of matching) {
    const self = await newestSelfSignature(judge, certificationsOf(userId), { userId: userId.body })
    const revoked = userId.signatures.some(signature => signature.type === types.certificationRevocation)
    if (revoked) reasons.push('user_id_revoked')
    const reason = reasonOf(self)
    if (reason !== undefined) reasons.push(reason)
    else if (!revoked && self.standing === 'valid') {
      good.push({ certification: self.signature, userId })
    }
  }
  const [newest] = good.sort((a, b) => b.certification.created.getTime() - a.certification.created.getTime())
  if (newest === undefined) {
    return { certification: undefined, userId: undefined, reasons: [...malformed, ...reasons] }
  }
  return { ...newest, reasons: malformed }
}

function certificationsOf({ signatures }: OutlinedUserId): readonly SignaturePacket[] {
  return signatures.filter(({ type }) => type >= types.firstCertification && type <= types.lastCertification)
}

function reasonOf({ standing }: SelfSignature): CertificateReason | undefined {
  switch (standing) {
    case 'valid':
    case 'unknown':
      return undefined
    case 'future':
      return 'not_yet_valid'
    case 'weak':
    case 'doubtful':
      return 'hash_too_weak'
    case 'missing':
    case 'expired':
    case 'invalid':
      return 'user_id_unverified'
  }
}
