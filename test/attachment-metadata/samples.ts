import { crc32 } from 'node:zlib'

/** What no stripped file may hold, in whatever form it stood in. */
export const secret = 'Jane-Canary'

/** Whole pictures without metadata, of three by two or of one pixel. */
export const jpeg = base64(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAKBueIx4ZKCMgoy0qqC+8P//8Nzc8P//////////////////////////////////////////////////////////wAALCAACAAMBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z',
)
export const png = base64(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACAQMAAACnuvRZAAAAA1BMVEX/AAAZ4gk3AAAADElEQVQI12NgYGAAAAAEAAEnNCcKAAAAAElFTkSuQmCC',
)
export const gif = base64(
  'R0lGODlhAQABAPAAAP8AAAAAACH5BAAAAAAAIf8LTkVUU0NBUEUyLjADAQAAACwAAAAAAQABAAACAkQBACH5BAAAAAAALAAAAAABAAEAgAAA/wAAAAICRAEAOw==',
)
export const webp = base64('UklGRjQAAABXRUJQVlA4ICgAAABwAQCdASoDAAIACQCsJaACdAFAAAD+4cN4Nkim5H/wQX9Dn9beIAAA')

function base64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}

export const latin = (text: string): Buffer => Buffer.from(text, 'latin1')

/** A JPEG's segment. */
export function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}

/** A PNG's chunk. */
export function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([latin(type), content])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

/** A chunk of RIFF, padded. */
export function riff(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return Buffer.concat([latin(type), length, content, Buffer.alloc(content.length & 1)])
}

export const webpOf = (...chunks: Buffer[]): Buffer => riff('RIFF', Buffer.concat([latin('WEBP'), ...chunks]))

/** Exif's TIFF structure: an artist and, of this byte order, which way up. */
export function exif(orientation: number, order: 'II' | 'MM' = 'MM'): Buffer {
  const little = order === 'II'
  const word = (value: number): number[] => (little ? [value, 0] : [0, value])
  const long = (value: number): number[] => (little ? [value, 0, 0, 0] : [0, 0, 0, value])
  const tag = (value: number): number[] => (little ? [value & 255, value >> 8] : [value >> 8, value & 255])
  return Buffer.concat([
    Buffer.from([...latin(order), ...word(42), ...long(8), ...word(2)]),
    Buffer.from([...tag(0x112), ...word(3), ...long(1), ...word(orientation), 0, 0]),
    Buffer.from([...tag(0x13b), ...word(2), ...long(secret.length), ...long(38), ...long(0)]),
    latin(secret),
  ])
}

/** `extra` behind the first `length` bytes. */
export const insert = (bytes: Buffer, length: number, ...extra: Buffer[]): Buffer =>
  Buffer.concat([bytes.subarray(0, length), ...extra, bytes.subarray(length)])
