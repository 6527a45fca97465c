import { evenWords, oddWords } from './words.ts'

/** In groups of four, as people compare it. */
export function grouped(fingerprint: string): string {
  return fingerprint.replace(/.{4}(?=.)/g, '$& ')
}

/**
 * The fingerprint in words to be read aloud (PGP word list): one of two lists by turns, so that a word left out,
 * doubled or swapped with its neighbour is heard.
 */
export function fingerprintWords(fingerprint: string): readonly string[] {
  return Array.from(Buffer.from(fingerprint, 'hex'), (octet, i) => {
    const word = (i % 2 === 0 ? evenWords : oddWords)[octet]
    if (word === undefined) throw new Error('an octet without a word')
    return word
  })
}
