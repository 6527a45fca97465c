import { Refusal } from './refusal.ts'

/** Reads big-endian fields from bytes, never past the end: a short field is `malformed_packets`. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new Refusal('malformed_packets')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at)
  }

  uint(octets: 1 | 2 | 4): number {
    let value = 0
    for (const octet of this.take(octets)) value = value * 256 + octet
    return value
  }

  /** A multiprecision integer whose stated length is exact (RFC 9580 section 3.2). */
  mpi(): Uint8Array {
    const bits = this.uint(2)
    const octets = this.take(Math.ceil(bits / 8))
    if (bits === 0 || 32 - Math.clz32(octets[0] ?? 0) !== ((bits - 1) % 8) + 1) {
      throw new Refusal('malformed_packets')
    }
    return octets
  }
}
