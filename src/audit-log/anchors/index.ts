export { type Anchor, AnchorAheadError, AnchorError, type AnchorFailure } from './anchor.ts'
export { type Anchoring, type AnchoringDependencies, openAnchoring } from './anchoring.ts'
export { openDirectoryAnchor } from './directory.ts'
export { type AnchorHealth, anchorHealth } from './health.ts'
export { type OwnLog, openOwnLog } from './own-log.ts'
export {
  type AnchorReceipt,
  anchoredBy,
  anchorsOf,
  checkpointForEvidence,
  recordAnchored,
} from './receipts.ts'
export { openWitnessAnchor, parseWitness, type Witness } from './witness.ts'
