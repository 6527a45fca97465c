import type { CertificatePolicy, CertificateReason } from '../../protocol.ts'
import type { KeyPacket } from './key-packet.ts'
import { rsaReasons } from './rsa.ts'

/** Why the key itself, whatever is signed about it, is not good enough; empty when it is. */
export function keyReasons(
  key: KeyPacket,
  allowed: readonly string[],
  policy: CertificatePolicy,
): readonly CertificateReason[] {
  if (!allowed.includes(key.algorithm)) return ['algorithm_not_allowed']
  return key.rsa === undefined ? [] : rsaReasons(key.rsa, policy)
}

/** Whether the algorithm and its curve have a name here, and so could be allowed by a policy. */
export function isKnown(key: KeyPacket): boolean {
  return !/(?:^|-)other$/.test(key.algorithm)
}

/** As a verdict shows it: RSA with its size, the others by name. */
export function algorithmName(key: KeyPacket): string {
  return key.rsa === undefined ? key.algorithm : `rsa${key.rsa.bits}`
}
