/** What add-checkpoint is sent; nothing of it is verified. */
export interface Submission {
  readonly oldSize: number
  readonly proof: readonly Uint8Array[]
  /** The checkpoint, as a note. */
  readonly note: string
}

// C2SP tlog-witness: the client must not send more.
const mostProofLines = 63

/**
 * Reads the body of add-checkpoint (C2SP tlog-witness): the old size, the lines of the proof, an empty line, the checkpoint. Undefined
 * when it is anything else, to the octet.
 */
export function parseSubmission(body: Uint8Array): Submission | undefined {
  const text = decode(body)
  const end = text?.indexOf('\n\n') ?? -1
  if (text === undefined || end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const [, digits] = /^old (0|[1-9][0-9]{0,15})$/.exec(first) ?? []
  const oldSize = Number(digits)
  if (digits === undefined || !Number.isSafeInteger(oldSize) || lines.length > mostProofLines)
    return undefined
  const proof = lines.map(line => Buffer.from(line, 'base64'))
  const isExact = proof.every((hash, i) => hash.length === 32 && hash.toString('base64') === lines[i])
  return isExact ? { oldSize, proof, note: text.slice(end + 2) } : undefined
}

function decode(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}
