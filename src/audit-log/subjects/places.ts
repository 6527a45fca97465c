/** How many leaves a block of the search index has. */
export const blockSize = 512

const bitmapBytes = blockSize / 8

/**
 * Places in a block (0 to 511, ascending, each once, at least one) as bytes: two octets each while they are few, one bit
 * each in 64 octets else.
 */
export function packPlaces(places: readonly number[]): Buffer {
  if (places.length < bitmapBytes / 2) {
    const bytes = Buffer.alloc(places.length * 2)
    places.forEach((place, i) => bytes.writeUInt16BE(place, i * 2))
    return bytes
  }
  const bits = Buffer.alloc(bitmapBytes)
  for (const place of places) bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7))
  return bits
}

/** A set of places in one block, one bit each. */
export type Places = Uint32Array

export function noPlaces(): Places {
  return new Uint32Array(blockSize / 32)
}

/** Adds what {@link packPlaces} made. */
export function addPacked(places: Places, packed: Uint8Array): void {
  if (packed.length === bitmapBytes) {
    for (let i = 0; i < bitmapBytes; i++) {
      places[i >> 2] = (places[i >> 2] ?? 0) | ((packed[i] ?? 0) << ((i & 3) * 8))
    }
    return
  }
  for (let i = 0; i + 1 < packed.length; i += 2)
    addPlace(places, ((packed[i] ?? 0) << 8) | (packed[i + 1] ?? 0))
}

function addPlace(places: Places, place: number): void {
  places[place >> 5] = (places[place >> 5] ?? 0) | (1 << (place & 31))
}

/** Keeps of `places` what is in `others`, too; or with `but`, what is not. */
export function keepPlaces(places: Places, others: Places, but = false): void {
  for (let i = 0; i < places.length; i++) {
    const other = others[i] ?? 0
    places[i] = (places[i] ?? 0) & (but ? ~other : other)
  }
}

/** The places of a set below `limit`, the last first. */
export function listPlaces(places: Places, limit = blockSize): number[] {
  const list: number[] = []
  for (let word = places.length - 1; word >= 0; word--) {
    let bits = (places[word] ?? 0) >>> 0
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits)
      bits = (bits & ~(1 << bit)) >>> 0
      const place = word * 32 + bit
      if (place < limit) list.push(place)
    }
  }
  return list
}
