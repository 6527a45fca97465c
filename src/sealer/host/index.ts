export type {
  CertificatePolicy,
  CertificateReason,
  CertificateVerdict,
  Format,
  MessageMetadata,
  OuterHeaders,
  SealTarget,
  WrappedKey,
} from '../protocol.ts'
export { admitCiphertext } from './gate.ts'
export { generateSigningKey, inspectCertificate } from './keyless.ts'
export { openSealerPool, type SealerPool } from './pool.ts'
export type { PoolLimits, SealerPoolOptions } from './pool-options.ts'
export type { Resolve, SealedMessage } from './seal-on.ts'
