import { decodeStream, textOfKey } from './streams.ts'
import { afterSpace, latin, NotUnderstood, readInteger, type Walked, walk } from './walk.ts'

/** An object as it stands in the file, or in a stream of objects. */
export interface PdfObject {
  readonly generation: number
  /** What `walked` has places in. */
  readonly source: Buffer
  readonly from: number
  readonly walked: Walked
  readonly content: Buffer | undefined
}

/** What streams of objects and of cross-references may unpack to together. */
const unpacked = 64 * 1024 * 1024

/** The objects of a PDF by number, through its cross-references (ISO 32000-1 section 7.5). Every method throws {@link NotUnderstood}. */
export class PdfFile {
  readonly #bytes: Buffer
  /** Offset in the file; minus one, minus 65,536 times the number of a stream of objects, minus the index therein; 0: free. */
  readonly #places = new Map<number, number>()
  readonly #packed = new Map<number, { plain: Buffer; offsets: ReadonlyMap<number, number> }>()
  readonly #lengths = new Map<number, number>()
  readonly #metadata = new Map<number, boolean>()
  readonly #budget = { left: unpacked }
  /** Objects that share their bytes could take longer than the file is long. */
  #unread: number
  #depth = 0
  root = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#unread = bytes.length * 3 + 10_000
    const mark = bytes.lastIndexOf('startxref')
    const start = mark < 0 ? undefined : readInteger(bytes, afterSpace(bytes, mark + 9))
    const sections = [start?.value]
    const seen = new Set<number>()
    for (let section = sections.pop(); section !== undefined; section = sections.pop()) {
      if (seen.has(section) || seen.size > 10_000) throw new NotUnderstood()
      seen.add(section)
      const at = afterSpace(bytes, section)
      const table = latin(bytes, at, at + 4) === 'xref'
      const trailer = table ? this.#readTable(at + 4) : this.#readXrefStream(at)
      if (trailer.top.has('Encrypt')) throw new NotUnderstood()
      if (this.root === 0)
        this.root = trailer.references.find(({ at: r }) => r === trailer.top.get('Root')?.[0])?.to ?? 0
      // Of a hybrid file, what only new readers see comes before what is older (section 7.5.8.4).
      for (const key of ['Prev', 'XRefStm']) {
        const older = readInteger(bytes, trailer.top.get(key)?.[0] ?? bytes.length)
        if (older !== undefined) sections.push(older.value)
      }
    }
    if (this.root === 0) throw new NotUnderstood()
  }

  /** Undefined: there is none, and references to it mean null. */
  object(number: number): PdfObject | undefined {
    const place = this.#places.get(number) ?? 0
    if (place === 0) return undefined
    if (place > 0) return this.#readAt(place, number)
    const { plain, offsets } = this.#objectStream(Math.floor((-1 - place) / 65_536))
    const from = offsets.get(number)
    if (from === undefined) return undefined
    const walked = this.#walk(plain, from)
    return { generation: 0, source: plain, from, walked, content: undefined }
  }

  #readAt(place: number, number: number | undefined): PdfObject {
    // Lengths in streams whose lengths are in streams, and metadata of metadata: none is this deep.
    if (++this.#depth > 20) throw new NotUnderstood()
    const object = this.#readObject(place, number)
    this.#depth--
    return object
  }

  #readObject(place: number, number: number | undefined): PdfObject {
    const bytes = this.#bytes
    const own = readInteger(bytes, afterSpace(bytes, place))
    const generation = own && readInteger(bytes, afterSpace(bytes, own.end))
    const word = generation && afterSpace(bytes, generation.end)
    if (word === undefined || latin(bytes, word, word + 3) !== 'obj') throw new NotUnderstood()
    if (number !== undefined && own?.value !== number) throw new NotUnderstood()
    const from = afterSpace(bytes, word + 3)
    const walked = this.#walk(bytes, from)
    const after = afterSpace(bytes, walked.end)
    const object = { generation: generation?.value ?? 0, source: bytes, from, walked }
    if (latin(bytes, after, after + 6) === 'endobj') return { ...object, content: undefined }
    if (latin(bytes, after, after + 6) !== 'stream') throw new NotUnderstood()
    const line = bytes[after + 6] === 13 ? after + 7 : after + 6
    if (bytes[line] !== 10) throw new NotUnderstood()
    const length = this.#length(walked)
    const end = afterSpace(bytes, line + 1 + length)
    if (latin(bytes, end, end + 9) !== 'endstream') throw new NotUnderstood()
    this.#take(length)
    return { ...object, content: bytes.subarray(line + 1, line + 1 + length) }
  }

  #length(walked: Walked): number {
    const at = walked.top.get('Length')?.[0] ?? this.#bytes.length
    const reference = walked.references.find(each => each.at === at)
    if (reference === undefined) return readInteger(this.#bytes, at)?.value ?? fail()
    const known = this.#lengths.get(reference.to)
    if (known !== undefined) return known
    // A stream cannot have its length in a stream of objects which has its length there.
    this.#lengths.set(reference.to, -1)
    const object = this.object(reference.to)
    const length = object && readInteger(object.source, afterSpace(object.source, object.from))?.value
    if (length === undefined) throw new NotUnderstood()
    this.#lengths.set(reference.to, length)
    return length
  }

  #walk(source: Buffer, from: number): Walked {
    const walked = walk(source, from, number => this.#isMetadata(number))
    this.#take(walked.end - from)
    return walked
  }

  #isMetadata(number: number): boolean {
    const known = this.#metadata.get(number)
    if (known !== undefined) return known
    // Metadata of metadata would be no end of it.
    this.#metadata.set(number, false)
    const object = this.object(number)
    const is =
      object?.content !== undefined && /^\/Metadata\b/.test(textOfKey(object.source, object.walked, 'Type'))
    this.#metadata.set(number, is)
    return is
  }

  #take(bytes: number): void {
    this.#unread -= bytes
    if (this.#unread < 0) throw new NotUnderstood()
  }

  #readTable(start: number): Walked {
    const bytes = this.#bytes
    for (let at = afterSpace(bytes, start); ; ) {
      if (latin(bytes, at, at + 7) === 'trailer') return this.#walk(bytes, at + 7)
      const first = readInteger(bytes, at) ?? fail()
      const count = readInteger(bytes, afterSpace(bytes, first.end)) ?? fail()
      at = afterSpace(bytes, count.end)
      for (let i = 0; i < count.value; i++) {
        const offset = readInteger(bytes, at) ?? fail()
        const generation = readInteger(bytes, afterSpace(bytes, offset.end)) ?? fail()
        const kind = afterSpace(bytes, generation.end)
        if (bytes[kind] !== 0x6e && bytes[kind] !== 0x66) throw new NotUnderstood()
        this.#place(first.value + i, bytes[kind] === 0x6e ? offset.value : 0)
        at = afterSpace(bytes, kind + 1)
      }
      this.#take(at - first.end)
    }
  }

  #readXrefStream(at: number): Walked {
    const { walked, content } = this.#readAt(at, undefined)
    const text = (key: string): string => textOfKey(this.#bytes, walked, key)
    if (content === undefined || !/^\/XRef\b/.test(text('Type'))) throw new NotUnderstood()
    const plain = decodeStream(this.#bytes, walked, content, this.#budget)
    const [a = 0, b = 0, c = 0, ...more] = numbers(text('W'))
    if (more.length > 0 || a > 1 || b < 1 || b > 6 || c > 6) throw new NotUnderstood()
    const ranges = numbers(text('Index') || `0 ${text('Size')}`)
    let row = 0
    for (let range = 0; range + 1 < ranges.length; range += 2) {
      for (let i = 0; i < (ranges[range + 1] ?? 0); i++, row += a + b + c) {
        if (row + a + b + c > plain.length) throw new NotUnderstood()
        const type = a === 0 ? 1 : plain[row]
        const second = plain.readUIntBE(row + a, b)
        const third = c === 0 ? 0 : plain.readUIntBE(row + a + b, c)
        const place = type === 1 ? second : type === 2 ? -1 - second * 65_536 - Math.min(third, 65_535) : 0
        this.#place((ranges[range] ?? 0) + i, place)
      }
    }
    return walked
  }

  /** The newest word on an object counts. */
  #place(number: number, place: number): void {
    if (!this.#places.has(number)) this.#places.set(number, place)
  }

  #objectStream(number: number): { plain: Buffer; offsets: ReadonlyMap<number, number> } {
    const known = this.#packed.get(number)
    if (known !== undefined) return known
    const place = this.#places.get(number) ?? 0
    if (place <= 0) throw new NotUnderstood()
    const { source, walked, content } = this.#readAt(place, number)
    if (content === undefined) throw new NotUnderstood()
    const plain = decodeStream(source, walked, content, this.#budget)
    const first = Number(textOfKey(source, walked, 'First'))
    const offsets = new Map<number, number>()
    let at = 0
    for (let i = Number(textOfKey(source, walked, 'N')); i > 0; i--) {
      const own = readInteger(plain, afterSpace(plain, at)) ?? fail()
      const offset = readInteger(plain, afterSpace(plain, own.end)) ?? fail()
      if (!offsets.has(own.value)) offsets.set(own.value, first + offset.value)
      at = offset.end
    }
    // Its objects are read once, or twice.
    this.#unread += plain.length * 3
    const read = { plain, offsets }
    this.#packed.set(number, read)
    return read
  }
}

const numbers = (text: string): number[] =>
  Array.from(text.matchAll(/\d{1,12}/g), ([number]) => Number(number))

function fail(): never {
  throw new NotUnderstood()
}
