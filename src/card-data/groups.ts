import { ascii, classOf, invisible, letter, newline, other, space } from './characters.ts'

/** Groups of digits in a stretch of text, and what stands between them. Arrays are longer than what they hold. */
export interface Groups {
  count: number
  /** Offset of a group's first byte, and of the byte after its last. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** Where its digits begin in `digits`; those of group i end where those of group i + 1 begin. */
  readonly first: Int32Array
  /** What stands between it and the group before: one kind of separator of `characters.ts`, or 0: nothing that joins them. */
  readonly gap: Uint8Array
  readonly digits: Uint8Array
  /** Offsets of letters that a label may begin with. */
  labels: number
  readonly label: Int32Array
}

export const noGap = 0
/** Added to the kind of a gap of several characters. */
const spaced = 32
/** As many characters may stand between groups of one number. */
const widestGap = 3

export function newGroups(capacity: number): Groups {
  const ints = (): Int32Array => new Int32Array(capacity + 2)
  return {
    count: 0,
    start: ints(),
    end: ints(),
    first: ints(),
    gap: new Uint8Array(capacity + 2),
    digits: new Uint8Array(capacity + 2),
    labels: 0,
    label: ints(),
  }
}

/** Of three letters, whether a label of a security code or a PIN may begin with them, in any case; see `sad.ts`. */
const labelStart = Uint8Array.from({ length: 26 ** 3 }, (_, three) =>
  /^(?:cvv|cvc|cvn|cvp|cvd|cvx|csc|cav|cid|cvr|pvv|pin|sec|cry|pru|per|car|cod|kar|geh|cla)/.test(
    String.fromCharCode(97 + Math.floor(three / 676), 97 + (Math.floor(three / 26) % 26), 97 + (three % 26)),
  )
    ? 1
    : 0,
)

/** Reads UTF-8 from `from` to `to` once. Bytes that are no UTF-8 stand for themselves and join nothing. */
export function readGroups(bytes: Uint8Array, from: number, to: number, groups: Groups): void {
  const { start, end, first, gap, digits, label } = groups
  let [count, filled, labels] = [0, 0, 0]
  // 1: within a group; 0: behind one, with `kind` between; -1: nothing before that a group could join.
  let state = -1
  let kind = noGap
  let width = 0
  let previous = 0
  for (let at = from; at < to; ) {
    const byte = bytes[at] as number
    let size = 1
    let what: number
    if (byte < 128) {
      what = ascii[byte] as number
      if (what === letter) {
        if (previous === 0 && at + 2 < to) {
          const two = ((bytes[at + 1] as number) | 32) - 97
          const three = ((bytes[at + 2] as number) | 32) - 97
          // Pr and c\u00f3: what follows is no ASCII.
          if (
            two >= 0 &&
            two < 26 &&
            (three >= 26 || labelStart[((byte | 32) - 97) * 676 + two * 26 + three] === 1)
          ) {
            label[labels++] = at
          }
        }
        previous = 1
        state = -1
        at++
        continue
      }
    } else {
      const code = codePointAt(bytes, at, to)
      size = code < 0 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
      what = code < 0 ? other : classOf(code)
    }
    previous = 0
    if (what < 10) {
      if (state !== 1) {
        start[count] = at
        first[count] = filled
        // A slash with spaces around it is another separator than a bare one.
        gap[count] = state !== 0 ? noGap : kind > space && kind < newline && width > 1 ? kind + spaced : kind
        count++
        state = 1
      }
      digits[filled++] = what
      end[count - 1] = at + size
    } else if (what === invisible) {
      // As if it were not there.
    } else if (what >= other) {
      state = -1
    } else if (state === 1) {
      state = 0
      kind = what
      width = 1
    } else if (state === 0) {
      width++
      // Of several separators the one that shows counts: ` - ` is a dash.
      if (kind !== what) kind = what === newline || kind === newline ? newline : Math.max(kind, what)
      if (width > widestGap) state = -1
    }
    at += size
  }
  first[count] = filled
  groups.count = count
  groups.labels = labels
}

function codePointAt(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at] as number
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0
  if (size === 0 || at + size > to) return -1
  let code = lead & (0x7f >> size)
  for (let i = 1; i < size; i++) {
    const next = bytes[at + i] as number
    if (next >> 6 !== 2) return -1
    code = (code << 6) | (next & 0x3f)
  }
  return code
}
