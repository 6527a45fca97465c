export type {
  BodyForm,
  CardCounts,
  CertificatePolicy,
  CertificateReason,
  CertificateVerdict,
  ExpiryReason,
  Format,
  InspectionContext,
  MessageFacts,
  MessageMetadata,
  OuterHeaders,
  SealTarget,
  WrappedKey,
} from '../protocol.ts'
export { admitCiphertext } from './gate.ts'
export { type Inspector, type InspectorLimits, openInspector } from './inspector.ts'
export { generateSigningKey, inspectCertificate } from './keyless.ts'
export { openSealerPool, type SealerPool } from './pool.ts'
export { largestBody, type PoolLimits, type SealerPoolOptions } from './pool-options.ts'
export type { Resolve, SealedMessage } from './seal-on.ts'
export { installedWeakRsaList, type WeakRsaList } from './weak-rsa.ts'
