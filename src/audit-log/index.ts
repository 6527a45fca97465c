export {
  type Anchor,
  AnchorAheadError,
  AnchorError,
  type AnchorFailure,
  type AnchorHealth,
  type Anchoring,
  type AnchorReceipt,
  anchoredBy,
  anchorHealth,
  anchorsOf,
  checkpointForEvidence,
  openAnchoring,
  openDirectoryAnchor,
  openOwnLog,
  openWitnessAnchor,
  parseWitness,
  recordAnchored,
} from './anchors/index.ts'
export { type Archived, type ArchiveWish, archiveEvents, enrolmentTypes } from './archive/index.ts'
export { type Checkpoint, checkpointAt, firstCheckpointCovering, latestCheckpoint } from './checkpoint.ts'
export { type Exported, type ExportWish, exportLog } from './export/index.ts'
export { type LoggedEvent, leafOfEvents, leavesFrom } from './leaves.ts'
export { consistencyProof, inclusionProof, readTile } from './proofs.ts'
export { openSequencer, type Sequencer, type SequencerDependencies } from './sequencer/open.ts'
export {
  openStream,
  openSyslogAnchor,
  type Siem,
  type Stream,
  type StreamDependencies,
  streamProgress,
} from './stream/index.ts'
export {
  acceptance,
  deliverySubjects,
  type Found,
  findLeaves,
  type Indexing,
  openIndexing,
  subjectsOf,
  type Wanted,
} from './subjects/index.ts'
