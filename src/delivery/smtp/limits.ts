/** Bounds of a session, all in milliseconds but the last. They are far below RFC 5321 section 4.5.3.2: we retry. */
export interface SessionLimits {
  /** TCP, then each handshake. */
  readonly connect: number
  /** Each reply. */
  readonly reply: number
  /** From the first packet to the authenticated EHLO. */
  readonly opening: number
  /** From MAIL FROM to the reply to the final dot, beside what the size allows. */
  readonly transaction: number
  /** Slower than this is not waited for. */
  readonly bytesPerSecond: number
}
