export { openRefresh, type Refresh, type RefreshDependencies, type RefreshOutcome } from './copies/refresh.ts'
export { type CopyDependencies, type CopyOutcome, type OfferedCopy, takeCopy } from './copies/take-copy.ts'
export { type Candidate, type Discovery, openDiscovery } from './discovery/find.ts'
export { wkdUrls } from './discovery/wkd.ts'
export {
  type Ending,
  type Inventory,
  type InventoryLine,
  inventoryOf,
} from './estate/inventory.ts'
export {
  type CertificateDetails,
  type CertificateFilter,
  type CertificateRecord,
  findCertificate,
  listCertificates,
  type Page,
} from './estate/list.ts'
export { assertNoSharedFactor } from './estate/shared-factor.ts'
export { exposureCsv } from './exposure/csv.ts'
export { exposureJson } from './exposure/json.ts'
export { type ExposedDelivery, type Exposure, exposureOf } from './exposure/report.ts'
export { fingerprintWords, grouped } from './fingerprint/show.ts'
export { type ApprovedProposal, activateCertificate, leavesRoom } from './life/activate.ts'
export { retireAll } from './life/retire.ts'
export {
  endRevokedSubkey,
  type Revocation,
  type RevocationMeans,
  type RevocationOrder,
  type RevocationReason,
  revocationReasons,
  revokeCertificate,
} from './life/revoke.ts'
export { type CertificateStanding, type CertificateState, certificateRefusal } from './life/standing.ts'
export type { StopDeliveries } from './life/stop.ts'
export type { CertificateName, UnderPrimaryKey } from './life/store.ts'
export { explainReason, type ReasonExplanation } from './reasons.ts'
