import type { WrappedKey } from '../protocol.ts'

export interface SealerPoolOptions {
  /** The key-encryption key stays in the gateway's memory, for every new process needs it. */
  readonly key: { readonly wrapped: WrappedKey; readonly keyEncryptionKey: Uint8Array }
  /** How many processes seal. Default 2. */
  readonly processes?: number
  /** What the attachments of a message may weigh together, decoded, in bytes. Default 25 MiB. */
  readonly attachmentBytes?: number
  readonly limits?: Partial<PoolLimits>
}

export const defaultAttachmentBytes = 25 * 1024 * 1024

/** What the rest of a body may weigh: texts, names, framing. */
const besideAttachments = 4 * 1024 * 1024

/** What a body may weigh, in bytes: the attachments in base64, and the rest. */
export function largestBody(attachmentBytes: number): number {
  return Math.ceil(attachmentBytes / 3) * 4 + besideAttachments
}

export interface PoolLimits {
  /** Messages that one process works on at a time. Default 8. */
  readonly inFlight: number
  /** Messages that wait for a process; one more is refused with `overloaded`. Default 256. */
  readonly waiting: number
  /** Milliseconds a message waits for a process before it is refused with `overloaded`. Default 10,000. */
  readonly wait: number
  /** Likewise of a message of more than 1 MiB. Default 60,000. */
  readonly waitLarge: number
  /** Milliseconds a sealer may need for each answer after the end of the body, before it is killed. Default 20,000. */
  readonly answer: number
  /** Messages after which a process is replaced, so that residue in its memory dies. Default 10,000. */
  readonly recycleAfterMessages: number
  /** Seconds after which a process is replaced. Default 900. */
  readonly recycleAfterSeconds: number
  /** Heap of a process in MB (V8 old space; bodies lie outside of it): the most, which only millions of card numbers take. Default 512. */
  readonly heapMegabytes: number
}

export const defaultLimits: PoolLimits = {
  inFlight: 8,
  waiting: 256,
  wait: 10_000,
  waitLarge: 60_000,
  answer: 20_000,
  recycleAfterMessages: 10_000,
  recycleAfterSeconds: 900,
  heapMegabytes: 512,
}
