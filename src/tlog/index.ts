export { formatCheckpoint, parseCheckpoint, type TreeHead } from './checkpoint.ts'
export { type Edge, type FullTile, growEdge, rootOfEdge } from './edge.ts'
export { TlogError, type TlogErrorCode } from './error.ts'
export { emptyRoot, hashesOf, hashLength, leafHash, nodeHash } from './hash.ts'
export { cosign, verifyCosignature } from './note/cosignature.ts'
export {
  formatVerifier,
  type NoteSigner,
  type NoteVerifier,
  noteSigner,
  parseVerifier,
  type SignatureKind,
} from './note/key.ts'
export { type NoteSignature, type OpenedNote, openNote } from './note/open.ts'
export { signNote } from './note/sign.ts'
export { proveConsistency, proveInclusion } from './prove.ts'
export {
  hashesAtLevel,
  keepTiles,
  type ReadTile,
  readHashesFromTiles,
  type Tile,
  tilePath,
  tilesOf,
  tileWidth,
  widthInTree,
} from './tiles.ts'
export { type ReadHash, rootOfHashes, rootOfTree } from './tree.ts'
export { type Consistency, type Inclusion, verifyConsistency, verifyInclusion } from './verify.ts'
