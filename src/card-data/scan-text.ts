import { newGroups, readGroups } from './groups.ts'
import { findPans, type Pan } from './pans.ts'
import { findLabelled, findTracks, type Sad } from './sad.ts'

export interface Findings {
  readonly pans: readonly Pan[]
  readonly sad: readonly Sad[]
}

const stretch = 64 * 1024
/** Longer than anything that is looked for. */
const overlap = 512

/**
 * Looks for card data in UTF-8 text, and tells what there is in one stretch after the other: time is linear, memory bounded, whatever
 * the text.
 */
export function* scanText(bytes: Uint8Array): Generator<Findings, void> {
  const groups = newGroups(Math.min(bytes.length, stretch + overlap))
  for (let from = 0; ; from += stretch) {
    const to = Math.min(bytes.length, from + stretch + overlap)
    readGroups(bytes, from, to, groups)
    let latin: string | undefined
    const text = (): string =>
      (latin ??= Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1'))
    const here = findPans(bytes, groups)
    const sadHere = findTracks(bytes, text, groups, from)
    if (groups.labels > 0) sadHere.push(...findLabelled(text(), groups, here, from))
    // What is found in the overlap counts where more of its surroundings was seen.
    const low = from === 0 ? 0 : from + overlap / 2
    const high = to === bytes.length ? Infinity : from + stretch + overlap / 2
    const ours = ({ offset }: { readonly offset: number }): boolean => offset >= low && offset < high
    yield { pans: here.filter(ours), sad: sadHere.filter(ours) }
    if (to === bytes.length) return
  }
}
