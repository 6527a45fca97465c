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
  if (key.rsa === undefined) return []
  const reasons = rsaReasons(key.rsa, policy)
  return isOfFaultyOpenssl(key.created) ? [...reasons, 'rsa_debian_weak'] : reasons
}

/**
 * Debian's OpenSSL drew each key from a few hundred thousand, from 17 September 2006 to 13 May 2008 (DSA-1571). Which those are is
 * asked outside (host/weak-rsa.ts), where the lists are; RSA keys that claim to be of that time are not taken at all.
 */
function isOfFaultyOpenssl(created: Date): boolean {
  return created >= new Date('2006-09-17') && created < new Date('2008-05-14')
}

/** Whether the algorithm and its curve have a name here, and so could be allowed by a policy. */
export function isKnown(key: KeyPacket): boolean {
  return !/(?:^|-)other$/.test(key.algorithm)
}

/** As a verdict shows it: RSA with its size, the others by name. */
export function algorithmName(key: KeyPacket): string {
  return key.rsa === undefined ? key.algorithm : `rsa${key.rsa.bits}`
}
