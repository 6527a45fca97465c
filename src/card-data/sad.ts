import type { Groups } from './groups.ts'
import type { Pan } from './pans.ts'

/** Sensitive authentication data (PCI DSS 3.3.1), never to be kept once a payment was authorised. */
export type SadKind = 'track_1' | 'track_2' | 'card_verification_code' | 'pin' | 'pin_block' | 'emv_track'

export interface Sad {
  readonly kind: SadKind
  readonly offset: number
}

/** How far a value may stand from its label, and a card number from a label that means other things, too; in bytes. */
const reach = 48
const near = 400

// These read UTF-8 as Latin-1, one character for each byte: so places in the text are places in the bytes.
/** A label of a card verification code in the languages of our users; the last group means other things, too. */
const codeLabel =
  /(?:(?:cvv|cvc|cvn|cvp|csc|cav|cvd|cvx)2?|card[ _-]?(?:verification|validation|security|identification)(?:[ _-]?(?:code|value|number|no\.?|data))?|security[ _-]?code|code[ _-]?(?:de[ _-]?)?s(?:e|\xc3\xa9)curit(?:e|\xc3\xa9)|cryptogramme(?:[ _-]visuel)?|(?:karten)?pr(?:\xc3\xbc|u|ue)f(?:nummer|ziffer|code|zahl)|c(?:o|\xc3\xb3)digo[ _-]de[ _-]seguridad|codice[ _-]di[ _-]sicurezza|(cid|cvr|pvv))(?![a-z0-9])/iy
const pinLabel =
  /(?:pin(?:[ _-]?(?:code|number|no\.?|nummer|(blo(?:c|ck))))?|personal[ _-]?identification[ _-]?number|geheimzahl|clave[ _-]?pin)(?![a-z0-9])/iy
const toValue =
  /(?:["'\x80-\xff)\]>:=#.,;|\s*_-]|(?:is|ist|est|es|was|value|val|code|number|no|nr|num|data|the|my|your)\b|&quot;){0,40}/iy
const pinBlock = /[\s:="'-]*(?:[0-9a-f]{2}[\s:-]?){8}(?![0-9a-f])/iy

/** What is labelled: codes, PINs, PIN blocks. `text`: the same bytes as Latin-1. */
export function findLabelled(text: string, groups: Groups, pans: readonly Pan[], base: number): Sad[] {
  const found: Sad[] = []
  const seen = pans.values()
  let pan = seen.next()
  let previous: Pan | undefined
  let group = 0
  for (let i = 0; i < groups.labels; i++) {
    const at = groups.label[i] as number
    while (group < groups.count && (groups.start[group] as number) < at) group++
    while (pan.done !== true && pan.value.offset < at) {
      previous = pan.value
      pan = seen.next()
    }
    if (!somethingNear(groups, group, at)) continue
    const beside =
      (previous !== undefined && at - previous.offset < near) ||
      (pan.done !== true && pan.value.offset - at < near)
    const kind = labelled(text, groups, group, at - base, base, beside)
    if (kind !== undefined && (beside || isWritten(text, at - base))) found.push({ kind, offset: at })
  }
  return found
}

const around = 28
const twoControls = /[\x00-\x08\x0e-\x1f\x7f].*[\x00-\x08\x0e-\x1f\x7f]/s
const utf8 = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/g
// The pieces that the ends of a window cut off.
const cut = /^[\x80-\xbf]{1,3}|[\xc2-\xf4][\x80-\xbf]{0,2}$/g

/**
 * Whether there may be writing around a label. In a megabyte of a picture or an archive a few labels stand by chance, now and then
 * with a number behind. Only what is no UTF-8 and holds several control characters is none: messages of terminals have those, too,
 * and two in a hundred places of random bytes pass.
 */
function isWritten(text: string, at: number): boolean {
  const window = text.slice(Math.max(0, at - around), at + around)
  if (!twoControls.test(window)) return true
  return !/[\x80-\xff]/.test(window.replace(utf8, '').replace(cut, ''))
}

function somethingNear(groups: Groups, group: number, at: number): boolean {
  const after = group < groups.count && (groups.start[group] as number) - at <= 2 * reach
  return after || (group > 0 && at - (groups.end[group - 1] as number) <= 12)
}

/** @param at where the label begins in `text`, which begins `base` bytes into what the groups were read from */
function labelled(
  text: string,
  groups: Groups,
  group: number,
  at: number,
  base: number,
  beside: boolean,
): SadKind | undefined {
  const code = matchAt(codeLabel, text, at)
  const label = code ?? matchAt(pinLabel, text, at)
  if (label === null) return undefined
  const end = at + label[0].length
  if (code === null && label[1] !== undefined)
    return matchAt(pinBlock, text, end) === null ? undefined : 'pin_block'
  const digits =
    sizeOfValue(text, groups, following(groups, group, end + base), base, 'after', end) ??
    sizeOfValue(text, groups, group - 1, base, 'before', at)
  if (digits === undefined) return undefined
  // Some labels, and longer PINs, need a card number beside them: there are customer ids and postal codes of that name.
  if (code !== null) {
    return (digits === 3 || digits === 4) && (code[1] === undefined || beside)
      ? 'card_verification_code'
      : undefined
  }
  return digits === 4 || (digits > 4 && digits <= 12 && beside) ? 'pin' : undefined
}

/** The first group behind a label: a digit may belong to the label itself, as in CVV2. */
function following(groups: Groups, group: number, end: number): number {
  let i = group
  while (i < groups.count && (groups.start[i] as number) < end) i++
  return i
}

/** How many digits the value has that stands there, with nothing between it and the label but what leads to a value. */
function sizeOfValue(
  text: string,
  groups: Groups,
  group: number,
  base: number,
  side: 'after' | 'before',
  label: number,
): number | undefined {
  if (group < 0 || group >= groups.count) return undefined
  const start = (groups.start[group] as number) - base
  const end = (groups.end[group] as number) - base
  if (side === 'after') {
    if (start - label > reach || (matchAt(toValue, text, label)?.[0].length ?? 0) < start - label)
      return undefined
  } else if (label - end > 12 || !/^\s*(?:[([]|is the |as |= ?)\s*$/i.test(text.slice(end, label)))
    return undefined
  // Not a part of a word, a date, an amount.
  const [after = ' ', next = ' '] = text.slice(end, end + 2)
  if (/[A-Za-z]/.test(after) || (/[./,:-]/.test(after) && /[0-9]/.test(next))) return undefined
  return (groups.first[group + 1] as number) - (groups.first[group] as number)
}

function matchAt(form: RegExp, text: string, at: number): RegExpExecArray | null {
  form.lastIndex = at
  return form.exec(text)
}

const trackOne = /\^[^^]{2,26}\^\d{7}/y
const trackTwo = /[=Dd]\d{7}/y
const emvTag = /(?:^|[^0-9A-Za-z])(?:57|56|9f1f|9f20|9f6b)[\s:="']*(?:[0-9a-f]{2})?$/i

/** Tracks of a magnetic stripe (ISO/IEC 7813) and what a chip says instead (EMV tags 57, 56, 9F20, 9F1F with a label). */
export function findTracks(bytes: Uint8Array, text: () => string, groups: Groups, base: number): Sad[] {
  const found: Sad[] = []
  for (let i = 0; i < groups.count; i++) {
    const length = (groups.first[i + 1] as number) - (groups.first[i] as number)
    if (length < 12 || length > 19) continue
    const start = groups.start[i] as number
    const end = groups.end[i] as number
    const mark = bytes[end]
    if (mark === 0x5e && bytes[start - 1] === 0x42) {
      if (matchAt(trackOne, text(), end - base) !== null) found.push({ kind: 'track_1', offset: start - 1 })
    } else if (mark === 0x3d || mark === 0x44 || mark === 0x64) {
      // Letters of a digest directly before, and no =: more likely a piece of that digest.
      if (mark !== 0x3d && /[a-f]/i.test(String.fromCharCode(bytes[start - 1] ?? 32))) continue
      if (matchAt(trackTwo, text(), end - base) === null) continue
      const tagged = emvTag.test(text().slice(Math.max(0, start - base - 16), start - base))
      found.push({ kind: tagged ? 'emv_track' : 'track_2', offset: start })
    }
  }
  return found
}
