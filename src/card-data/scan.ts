import { gunzipSync } from 'node:zlib'
import { isPdf, pdfText } from './containers/pdf.ts'
import { isZip, zipMembers } from './containers/zip.ts'
import { fromWideUnicode } from './decode/unicode.ts'
import type { Pan } from './pans.ts'
import { readings } from './readings.ts'
import type { Sad } from './sad.ts'
import { scanText } from './scan-text.ts'
import { findInTable } from './table.ts'

/** Card data in a document, by place; never a digit of it. Each number once, where it was met first. */
export interface Findings {
  readonly pans: readonly Found<Pick<Pan, 'brand' | 'end'>>[]
  /** How many numbers there are: more than `pans` lists beyond 100,000. */
  readonly count: number
  readonly brands: ReadonlySet<string>
  readonly sad: readonly Found<Pick<Sad, 'kind'>>[]
  /** Parts that could not be looked into: encrypted, damaged, too large when unpacked, nested too deeply. */
  readonly unread: number
}

export type Found<Kind> = Kind & {
  /** In bytes, within `view`. */
  readonly offset: number
  /** How it was read; empty: as it is. Of an archive, also the number of the member: `zip 3, markup`. */
  readonly view: string
}

type Steps = Generator<undefined, void>

export interface Limits {
  /** All that archives and packed streams unpack to, in bytes. */
  readonly unpacked: number
  readonly members: number
  readonly depth: number
}

const mostListed = 100_000

const defaultLimits: Limits = { unpacked: 128 * 1024 * 1024, members: 2_000, depth: 3 }

/**
 * Looks for card data in a text, an attachment or a file, decoding what programs that show it would decode: UTF-16, HTML, XML, JSON,
 * quoted-printable, base64, encoded words; archives, office documents, the text layer of a PDF. What it is is told by its
 * content, never by its name or type. Anything else is looked through as bytes. Time is linear in what it unpacks to.
 * @param onPan hears of each number with the bytes that it stands in, for masks
 */
export function scan(
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
  onPan: (reading: Uint8Array, pan: Pan) => void = () => undefined,
): Findings {
  const steps = scanInSteps(bytes, limits, onPan)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** As {@link scan}, for whoever has other things to do meanwhile: most steps take about a millisecond. */
export function* scanInSteps(
  bytes: Uint8Array,
  limits: Limits = defaultLimits,
  onPan: (reading: Uint8Array, pan: Pan) => void = () => undefined,
): Generator<undefined, Findings> {
  const findings = {
    pans: [] as Findings['pans'][number][],
    count: 0,
    brands: new Set<string>(),
    sad: [] as Findings['sad'][number][],
    unread: 0,
  }
  const known = new Set<number>()
  const budget = { left: limits.unpacked }

  function* lookAt(content: Buffer, view: string, depth: number): Steps {
    if (isZip(content)) yield* lookInZip(content, view, depth)
    else if (isGzip(content)) {
      const plain = depth < limits.depth ? gunzip(content, budget) : undefined
      if (plain === undefined) findings.unread++
      else yield* lookAt(plain, within(view, 'gzip'), depth + 1)
    } else if (isPdf(content)) {
      const { text, whole } = pdfText(content, budget)
      if (!whole) findings.unread++
      yield* lookAtText(Buffer.from(text, 'latin1'), within(view, 'pdf'))
    } else {
      const wide = fromWideUnicode(content)
      yield* lookAtText(wide ?? content, wide === undefined ? view : within(view, 'utf-16'))
    }
  }

  function* lookInZip(content: Buffer, view: string, depth: number): Steps {
    if (depth >= limits.depth) {
      findings.unread++
      return
    }
    const members = zipMembers(content, budget, limits.members)
    for (let number = 1; ; number++) {
      const { value, done } = members.next()
      if (done === true) {
        if (!value) findings.unread++
        return
      }
      yield* lookAtText(Buffer.from(value.name), within(view, `zip ${number} name`))
      if (value.bytes === undefined) findings.unread++
      else yield* lookAt(value.bytes, within(view, `zip ${number}`), depth + 1)
    }
  }

  function* lookAtText(content: Buffer, view: string): Steps {
    yield* lookAtReading(content, view)
    for (const [name, reading] of readings(content)) {
      yield
      yield* lookAtReading(reading, within(view, name))
    }
  }

  function* lookAtReading(content: Buffer, view: string): Steps {
    for (const { pans, sad } of scanText(content)) {
      for (const pan of pans) note(pan, content, view)
      for (const { kind, offset } of sad) noteSad({ kind, offset, view })
      yield
    }
    for (const { kind, offset } of findInTable(content)) noteSad({ kind, offset, view })
  }

  const note = (pan: Pan, content: Buffer, view: string): void => {
    // The same number in another reading of the same text is no other number.
    if (known.has(pan.key)) return
    known.add(pan.key)
    findings.count++
    findings.brands.add(pan.brand)
    if (findings.count > mostListed) return
    findings.pans.push({ brand: pan.brand, offset: pan.offset, end: pan.end, view })
    onPan(content, pan)
  }

  const noteSad = (found: Findings['sad'][number]): void => {
    if (findings.sad.length < mostListed) findings.sad.push(found)
  }

  yield* lookAt(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), '', 0)
  return findings
}

const within = (view: string, part: string): string => (view === '' ? part : `${view}, ${part}`)

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8

function gunzip(bytes: Buffer, budget: { left: number }): Buffer | undefined {
  try {
    const plain = gunzipSync(bytes, { maxOutputLength: Math.max(budget.left, 1) })
    budget.left -= plain.length
    return plain
  } catch {
    return undefined
  }
}
