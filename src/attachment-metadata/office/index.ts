import { isOdf, stripOdf } from './odf.ts'
import { isOoxml, stripOoxml } from './ooxml.ts'
import { readZip } from './zip.ts'

export { isZip } from './zip.ts'

/** An office document without its metadata; undefined for every other archive. */
export function stripOffice(bytes: Buffer): Buffer | undefined {
  const members = readZip(bytes)
  if (members === undefined) return undefined
  if (isOoxml(members)) return stripOoxml(members)
  return isOdf(members) ? stripOdf(members) : undefined
}
