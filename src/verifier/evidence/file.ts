import { isObject, type Leaf } from './trail.ts'

export const evidenceFormat = 'sealpost-evidence/1'

/** A leaf with its proof: hashes from the leaf up (RFC 6962 section 2.1.1), in base64. */
export interface ProvenLeaf extends Leaf {
  readonly proof: readonly string[]
}

/** The file, member by member in this order. docs/evidence.md says what each is. */
export interface EvidenceFile {
  readonly format: typeof evidenceFormat
  readonly message: string
  /** Derived from the events, for whoever reads the file; who verifies derives it again. */
  readonly answers: unknown
  /** The signed note that all proofs lead to, with the cosignatures known when it was issued. */
  readonly checkpoint: string
  /** The log's verifier key. Whoever has one from elsewhere compares. */
  readonly key: string
  /** By growing leaf. */
  readonly events: readonly ProvenLeaf[]
  /** What servers said, as it was kept, sorted; the events have their digests. */
  readonly replies: readonly string[]
}

/** The one text of a file. */
export function renderEvidence({ message, answers, checkpoint, key, events, replies }: EvidenceFile): string {
  const file: EvidenceFile = {
    format: evidenceFormat,
    message,
    answers,
    checkpoint,
    key,
    events: events.map(({ leaf, body, proof }) => ({ leaf, body, proof })),
    replies,
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/**
 * The file of a text; undefined unless it is what {@link renderEvidence} would write of it: nothing more, nothing twice,
 * nothing written in another way.
 */
export function parseEvidence(text: string): EvidenceFile | undefined {
  try {
    const file: unknown = JSON.parse(text)
    return isEvidence(file) && renderEvidence(file) === text ? file : undefined
  } catch {
    // Not JSON, or nested deeper than the stack.
    return undefined
  }
}

function isEvidence(file: unknown): file is EvidenceFile {
  if (!isObject(file)) return false
  const { message, checkpoint, key, events, replies } = file
  return (
    file['format'] === evidenceFormat &&
    [message, checkpoint, key].every(isString) &&
    Array.isArray(events) &&
    events.every(isProvenLeaf) &&
    isStrings(replies)
  )
}

function isProvenLeaf(value: unknown): value is ProvenLeaf {
  return (
    isObject(value) &&
    Number.isSafeInteger(value['leaf']) &&
    isString(value['body']) &&
    isStrings(value['proof'])
  )
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString)
}
