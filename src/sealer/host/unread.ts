import { SealpostError } from '../../kernel/index.ts'
import type { CertificateVerdict, FromSealer } from '../protocol.ts'

const maxCertificate = 64 * 1024

export function isTooLarge(certificate: Uint8Array): boolean {
  return certificate.length > maxCertificate
}

/** The verdict on a file that no sealer is asked to read. */
export const tooLarge: CertificateVerdict = {
  verdict: 'reject',
  reasons: ['too_large'],
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

export function unexpected(answer: FromSealer): SealpostError {
  return new SealpostError('sealer_unavailable', { detail: answer.type })
}
