import { isGif, stripGif } from './gif.ts'
import { isJpeg, stripJpeg } from './jpeg.ts'
import { isPng, stripPng } from './png.ts'
import { isWebp, stripWebp } from './webp.ts'

/** The picture without its metadata; undefined: it is damaged or not understood; 'none': it is none of these. */
export function stripImage(bytes: Buffer): Buffer | undefined | 'none' {
  if (isJpeg(bytes)) return stripJpeg(bytes)
  if (isPng(bytes)) return stripPng(bytes)
  if (isGif(bytes)) return stripGif(bytes)
  return isWebp(bytes) ? stripWebp(bytes) : 'none'
}
