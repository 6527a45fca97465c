const bytes = new WeakMap<Plaintext, Uint8Array>()

/**
 * Bytes that may hold cardholder data. The bytes are not a property: printing, serialising or inspecting a
 * `Plaintext` gives `[plaintext]`. Only {@link reveal} reads them, and the rules of the house allow its call only
 * where bytes go to a sealer and inside the sealer (SECURITY.md, "Where plaintext lives").
 */
export class Plaintext {
  constructor(content: Uint8Array) {
    bytes.set(this, content)
  }

  toString(): string {
    return '[plaintext]'
  }

  toJSON(): string {
    return '[plaintext]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[plaintext]'
  }
}

/** The bytes themselves. Throws when they were wiped. */
export function reveal(plaintext: Plaintext): Uint8Array {
  const content = bytes.get(plaintext)
  if (content === undefined) throw new Error('plaintext was wiped')
  return content
}

/** Overwrites the bytes with zeros and forgets them. Copies that the runtime made are out of reach (SECURITY.md). */
export function wipe(plaintext: Plaintext): void {
  bytes.get(plaintext)?.fill(0)
  bytes.delete(plaintext)
}
