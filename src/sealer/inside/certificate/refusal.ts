import type { CertificateReason } from '../../protocol.ts'

/** Thrown inside this folder only: reading stops here, and this is why. */
export class Refusal extends Error {
  readonly reason: CertificateReason

  constructor(reason: CertificateReason) {
    super(reason)
    this.reason = reason
  }
}

/** Every reason, in the order in which a verdict lists them. */
const order = {
  too_large: 0,
  not_a_certificate: 1,
  private_key: 2,
  several_certificates: 3,
  malformed_packets: 4,
  unknown_packets: 5,
  version_unsupported: 6,
  key_material_invalid: 7,
  not_yet_valid: 8,
  primary_revoked: 9,
  primary_expired: 10,
  primary_signature_invalid: 11,
  designated_revoker: 12,
  user_id_malformed: 13,
  user_id_unverified: 14,
  user_id_mismatch: 15,
  user_id_revoked: 16,
  no_encryption_subkey: 17,
  subkey_revoked: 18,
  subkey_expired: 19,
  subkey_binding_invalid: 20,
  hash_too_weak: 21,
  algorithm_not_allowed: 22,
  rsa_too_small: 23,
  rsa_too_large: 24,
  rsa_weak_exponent: 25,
  rsa_roca: 26,
  rsa_fermat: 27,
  rsa_small_factor: 28,
  rsa_debian_weak: 29,
  rsa_shared_factor: 30,
  format_not_allowed: 31,
  algorithm_legacy_over: 32,
  format_legacy_over: 33,
  cryptoperiod_over: 34,
} as const satisfies Record<CertificateReason, number>

export function inOrder(reasons: Iterable<CertificateReason>): readonly CertificateReason[] {
  return [...new Set(reasons)].sort((a, b) => order[a] - order[b])
}
