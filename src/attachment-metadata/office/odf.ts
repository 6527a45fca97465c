import { Members } from './members.ts'
import { stripMembers } from './pictures.ts'
import { attributeOf, dropEmpty, simpleXml } from './xml.ts'
import { type Member, writeZip } from './zip.ts'

export const isOdf = (members: readonly Member[]): boolean => {
  const [first] = members
  return (
    first?.name === 'mimetype' &&
    first.method === 0 &&
    first.packed.toString('latin1').startsWith('application/vnd.oasis.opendocument.')
  )
}

/** Settings that name a printer, a database, or the sessions that it was edited in. */
const telling = /config:name="(?:PrinterName|PrinterSetup|CurrentDatabase\w*|Rsid|RsidRoot)"/

const emptyMeta = (version: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="${version}"><office:meta/></office:document-meta>`

/**
 * A text, table or presentation of ODF (ISO/IEC 26300) without `meta.xml`'s content, its thumbnail and what names a printer; pictures
 * without theirs. Comments and tracked changes stay, with their authors.
 */
export function stripOdf(archive: readonly Member[]): Buffer | undefined {
  const members = new Members(archive)
  if (members.names().some(name => /^META-INF\/.*signatures/i.test(name))) return undefined
  const manifest = simpleXml(withoutDoctype(members.read('META-INF/manifest.xml')))
  if (manifest === undefined || manifest.includes('encryption-data')) return undefined
  for (const name of members.names()) {
    if (name.startsWith('Thumbnails/')) members.drop(name)
    else if (/(?:^|\/)meta\.xml$/.test(name)) {
      const version = /office:version="([\d.]{1,8})"/.exec(members.read(name)?.toString('latin1') ?? '')?.[1]
      members.replace(name, emptyMeta(version ?? '1.2'))
    } else if (/(?:^|\/)settings\.xml$/.test(name)) {
      const settings = members.read(name)?.toString('latin1')
      if (settings === undefined) return undefined
      const fewer = settings.replace(
        /<config:config-item(\s[^<>]*)>[^<]*<\/config:config-item>/g,
        (item, attributes: string) => (telling.test(attributes) ? '' : item),
      )
      members.replace(name, fewer)
    }
  }
  const fewer = dropEmpty(manifest, 'file-entry', tag =>
    (attributeOf(tag, '[\\w]+:full-path') ?? '').startsWith('Thumbnails/'),
  )
  if (fewer === undefined) return undefined
  if (fewer !== manifest) members.replace('META-INF/manifest.xml', fewer)
  return stripMembers(members, isKnown(members)) ? writeZip(members.all()) : undefined
}

const isKnown =
  (members: Members) =>
  (name: string): boolean =>
    name === 'mimetype' ||
    name === 'layout-cache' ||
    /\.(?:xml|rdf)$/i.test(name) ||
    // How an embedded object looked: drawing commands of StarView.
    (name.startsWith('ObjectReplacements/') && members.read(name)?.toString('latin1', 0, 6) === 'VCLMTF')

/** Older programs write the doctype that the format once had. */
function withoutDoctype(content: Buffer | undefined): Buffer | undefined {
  if (content === undefined) return undefined
  return Buffer.from(content.toString('latin1').replace(/<!DOCTYPE [^<>[\]]*>/, ''), 'latin1')
}
