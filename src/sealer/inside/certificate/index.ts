import type { Address } from '../../../kernel/index.ts'
import type {
  CertificatePolicy,
  CertificateReason,
  CertificateVerdict,
  InspectionContext,
} from '../../protocol.ts'
import { unwrapArmor } from './armor.ts'
import { isCertifiedBy } from './certified-by.ts'
import { chooseSubkey } from './choose-subkey.ts'
import { chooseUserId } from './choose-user-id.ts'
import { algorithmEnds, endAt, firstEnd, formatEnds, pastReasons } from './ends.ts'
import type { KeyPacket } from './key-packet.ts'
import { algorithmName, keyReasons } from './key-strength.ts'
import { libraryView } from './library.ts'
import { type Outline, type OutlinedUserId, outlineOf } from './outline.ts'
import { cutPackets } from './packets.ts'
import { inOrder, Refusal } from './refusal.ts'
import { earliest, type Judge, keyEnd, newestSelfSignature } from './self-signature.ts'
import { type SignaturePacket, types } from './signature-packet.ts'

const maxOctets = 65536

/**
 * Whether messages to `address` may be encrypted to this certificate (binary or armoured, from anyone) at `at`, and
 * to which subkey. Two eyes look: a strict reader of the raw packets, which never trusts that something odd is
 * harmless, and the library, which verifies the signatures over those octets. Both have to agree. A revocation counts
 * by being there, verified or not: the library drops the ones that it does not understand.
 *
 * Lists all reasons that could be determined: a file that cannot be read has one; a primary key that is itself refused
 * leaves its signatures unexamined. Version 4 certificates only, since the library does not verify the user IDs of
 * version 6 ones. Never throws because of what is in `bytes`.
 */
export async function inspectCertificate(
  bytes: Uint8Array,
  address: Address,
  at: Date,
  policy: CertificatePolicy,
  context: InspectionContext = {},
): Promise<CertificateVerdict> {
  const read = readOutline(bytes)
  if (typeof read === 'string') return { verdict: 'reject', reasons: [read], ...nothingKnown }
  const { binary, outline } = read
  const { primary } = outline

  const primaryReasons = keyReasons(primary, policy.signatureAlgorithms, policy)
  const judge: Judge = { primary, primaryIsSound: primaryReasons.length === 0, policy, at }
  const direct = await judgePrimary(judge, outline)
  const named = await chooseUserId(judge, outline.userIds, address)
  const choice = await chooseSubkey(judge, outline.subkeys, context.pinned)
  const reasons = [...primaryReasons, ...direct.reasons, ...named.reasons, ...choice.reasons]

  const primaryEnds = [
    ...endAt(
      direct.signature && earliest(keyEnd(primary, direct.signature), direct.signature.expires),
      'primary_expired',
    ),
    ...endAt(named.certification && keyEnd(primary, named.certification), 'primary_expired'),
    ...algorithmEnds(primary, policy),
  ]
  reasons.push(...pastReasons(primaryEnds, at))
  const ends = [...primaryEnds, ...endAt(named.certification?.expires, 'user_id_unverified'), ...choice.ends]
  let format: CertificateVerdict['format'] = null
  if (reasons.length === 0 && choice.subkey !== undefined && named.certification !== undefined) {
    const view = await libraryView(binary, outline, choice.subkey, at)
    if (typeof view === 'string') reasons.push(view)
    else {
      format = named.certification.readsSeipdV2 && view.offersSeipdV2 ? 'seipdv2' : 'seipdv1'
      ends.push(...endAt(view.primaryEnds, 'primary_expired'), ...formatEnds(format, policy))
      if (!policy.formats.includes(format)) reasons.push('format_not_allowed')
      reasons.push(...pastReasons(formatEnds(format, policy), at))
    }
  }
  const accepted = reasons.length === 0 && format !== null
  const end = firstEnd(ends)
  return {
    verdict: accepted ? 'accept' : 'reject',
    reasons: inOrder(reasons),
    fingerprint: primary.fingerprint,
    encryptionSubkey: choice.subkey?.fingerprint ?? null,
    algorithm: choice.subkey === undefined ? null : algorithmName(choice.subkey),
    format,
    expires: end?.at.toISOString() ?? null,
    expiresFor: end?.reason ?? null,
    legacy: ends.some(({ reason }) => reason === 'algorithm_legacy_over' || reason === 'format_legacy_over'),
    rsaModuli: accepted ? moduliOf([primary, choice.subkey]) : [],
    certifiedByGiven:
      accepted &&
      context.certifier !== undefined &&
      named.userId !== undefined &&
      (await certifies(context.certifier, judge, named.userId, address)),
  }
}

const nothingKnown = {
  fingerprint: null,
  encryptionSubkey: null,
  algorithm: null,
  format: null,
  expires: null,
  expiresFor: null,
  legacy: false,
  rsaModuli: [],
  certifiedByGiven: false,
}

/** Whether a certificate that is itself acceptable for the address has certified this user ID on the judged key. */
async function certifies(
  certifier: Uint8Array,
  judge: Judge,
  userId: OutlinedUserId,
  address: Address,
): Promise<boolean> {
  const read = readOutline(certifier)
  if (typeof read === 'string') return false
  const { verdict } = await inspectCertificate(certifier, address, judge.at, judge.policy)
  return verdict === 'accept' && isCertifiedBy(read.outline.primary, judge, userId)
}

function moduliOf(keys: readonly (KeyPacket | undefined)[]): readonly string[] {
  return keys.flatMap(key => (key?.rsa === undefined ? [] : [key.rsa.modulus.toString(16).toUpperCase()]))
}

function readOutline(bytes: Uint8Array): { binary: Uint8Array; outline: Outline } | CertificateReason {
  if (bytes.length > maxOctets) return 'too_large'
  try {
    const binary = unwrapArmor(bytes)
    return { binary, outline: outlineOf(cutPackets(binary)) }
  } catch (error) {
    if (error instanceof Refusal) return error.reason
    throw error
  }
}

/** What is signed directly on the primary key: revocations, and a direct-key signature that may limit it. */
async function judgePrimary(
  judge: Judge,
  outline: Outline,
): Promise<{ signature: SignaturePacket | undefined; reasons: readonly CertificateReason[] }> {
  const reasons: CertificateReason[] = []
  if (judge.primary.created > judge.at) reasons.push('not_yet_valid')
  if (outline.signatures.some(({ type }) => type === types.keyRevocation)) reasons.push('primary_revoked')
  const everySignature = [outline, ...outline.userIds, ...outline.userAttributes, ...outline.subkeys].flatMap(
    ({ signatures }) => signatures,
  )
  if (everySignature.some(({ namesRevoker }) => namesRevoker)) reasons.push('designated_revoker')

  const onPrimary = outline.signatures.filter(({ type }) => type === types.directKey)
  const direct = await newestSelfSignature(judge, onPrimary, 'primary')
  if (direct.standing === 'future') reasons.push('not_yet_valid')
  if (direct.standing === 'weak' || direct.standing === 'doubtful') reasons.push('hash_too_weak')
  if (direct.standing === 'invalid' || direct.standing === 'expired')
    reasons.push('primary_signature_invalid')
  return { signature: direct.standing === 'valid' ? direct.signature : undefined, reasons }
}
