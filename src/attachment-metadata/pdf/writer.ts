/** Writes a PDF: objects, one after another, then where each begins. */
export class Writer {
  #out = Buffer.alloc(65_536)
  #length = 0
  readonly #places: { number: number; generation: number; at: number }[] = []

  constructor(head: string) {
    this.push(head)
  }

  begin(number: number, generation: number): void {
    this.#places.push({ number, generation, at: this.#length })
    this.push(`${number} ${generation} obj\n`)
  }

  /** Text is Latin-1. */
  push(part: Uint8Array | string): void {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part
    if (this.#length + bytes.length > this.#out.length) {
      const larger = Buffer.alloc(Math.max(this.#out.length * 2, this.#length + bytes.length))
      this.#out.copy(larger, 0, 0, this.#length)
      this.#out = larger
    }
    this.#out.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Cross-references and trailer (ISO 32000-1 sections 7.5.4 and 7.5.5). */
  end(root: number): Buffer {
    const start = this.#length
    const places = this.#places.toSorted((a, b) => a.number - b.number)
    const generation = places.find(place => place.number === root)?.generation ?? 0
    this.push('xref\n0 1\n0000000000 65535 f \n')
    for (let i = 0; i < places.length; ) {
      let next = i + 1
      while (places[next]?.number === (places[next - 1]?.number ?? 0) + 1) next++
      this.push(`${places[i]?.number ?? 0} ${next - i}\n`)
      for (; i < next; i++) {
        const place = places[i]
        if (place) this.push(`${digits(place.at, 10)} ${digits(place.generation, 5)} n \n`)
      }
    }
    const size = (places.at(-1)?.number ?? 0) + 1
    this.push(`trailer\n<</Size ${size}/Root ${root} ${generation} R>>\nstartxref\n${start}\n%%EOF\n`)
    return this.#out.subarray(0, this.#length)
  }
}

const digits = (number: number, count: number): string => String(number).padStart(count, '0')
