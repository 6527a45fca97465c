import { Members } from './members.ts'
import { stripMembers } from './pictures.ts'
import { attributeOf, changeTags, dropEmpty, simpleXml } from './xml.ts'
import { type Member, writeZip } from './zip.ts'

export const isOoxml = (members: readonly Member[]): boolean =>
  members.some(({ name }) => name === '[Content_Types].xml')

/** The last words of the types of relationships that lead to what is said about a document (ECMA-376 part 2 section 8.3; Google's `workbookmetadata`). */
const about =
  /\/(?:core-properties|extended-properties|extendedProperties|custom-properties|customProperties|thumbnail|classificationlabels|printerSettings|attachedTemplate|workbookmetadata|presentationmetadata)$/

/** Signed, or with a history of who changed what, or with programs: not to be changed, or not understood. */
const refused = /^_xmlsignatures\/|^xl\/revisions\/|vbaProject/i

/**
 * A document, workbook or presentation (ECMA-376) without its properties, thumbnail, labels, printers, template, edit sessions
 * and the path it was saved at; pictures without theirs. What people see when they look for it stays: comments,
 * tracked changes, hidden sheets, notes, with their authors.
 */
export function stripOoxml(archive: readonly Member[]): Buffer | undefined {
  const members = new Members(archive)
  if (members.names().some(name => refused.test(name))) return undefined
  const dropped = new Set(members.names().filter(name => name.startsWith('docProps/')))
  for (const name of members.names().filter(each => each.endsWith('.rels'))) {
    if (!stripRelationships(members, name, dropped)) return undefined
  }
  for (const name of dropped) members.drop(name)
  const types = simpleXml(members.read('[Content_Types].xml'))
  const fewer =
    types === undefined
      ? undefined
      : dropEmpty(types, 'Override', tag => dropped.has((attributeOf(tag, 'PartName') ?? '').slice(1)))
  if (fewer === undefined) return undefined
  members.replace('[Content_Types].xml', fewer)
  for (const name of members.names()) {
    const change = parts.find(([pattern]) => pattern.test(name))?.[1]
    if (change !== undefined && !changePart(members, name, change)) return undefined
  }
  return stripMembers(members, name => /\.(?:xml|rels|vml)$/i.test(name))
    ? writeZip(members.all())
    : undefined
}

/** Drops relationships to what is {@link about} the document, and notes their targets. */
function stripRelationships(members: Members, name: string, dropped: Set<string>): boolean {
  const xml = simpleXml(members.read(name))
  if (xml === undefined) return false
  const folder = name.replace(/_rels\/[^/]*$/, '')
  const owner = folder + name.slice(folder.length + 6, -5)
  const found = { printer: false, unreadable: false }
  const fewer = dropEmpty(xml, 'Relationship', tag => {
    const type = attributeOf(tag, 'Type') ?? ''
    if (type.includes('&')) found.unreadable = true
    if (!about.test(type)) return false
    if (type.endsWith('/printerSettings')) found.printer = true
    if (attributeOf(tag, 'TargetMode') !== 'External')
      dropped.add(resolve(folder, attributeOf(tag, 'Target') ?? ''))
    return true
  })
  if (fewer === undefined || found.unreadable) return false
  if (fewer !== xml) members.replace(name, fewer)
  // A sheet that refers to a relationship which is not there is taken for damaged.
  return !found.printer || !members.has(owner) || changePart(members, owner, withoutPrinter)
}

function resolve(folder: string, target: string): string {
  if (target.startsWith('/')) return target.slice(1)
  const path = folder.split('/').slice(0, -1)
  for (const step of target.split('/')) {
    if (step === '..') path.pop()
    else if (step !== '.') path.push(step)
  }
  return path.join('/')
}

const withoutPrinter = (xml: string): string =>
  changeTags(xml, 'pageSetup', tag => tag.replace(/\s\w+:id\s*=\s*(?:"[^"]*"|'[^']*')/, ''))

const parts: readonly (readonly [RegExp, (xml: string) => string])[] = [
  // The folder it was saved in, and who reserved it.
  [
    /^xl\/workbook\.xml$/,
    xml =>
      changeTags(
        changeTags(xml, 'absPath', tag => tag.replace(/\surl\s*=\s*(?:"[^"]*"|'[^']*')/, ' url=""')),
        'fileSharing',
        tag => tag.replace(/\suserName\s*=\s*(?:"[^"]*"|'[^']*')/, ''),
      ),
  ],
  // Its template, and the numbers of the sessions that it was edited in.
  [
    /^word\/(?:\w+\/)?settings\.xml$/,
    xml => changeTags(xml, '(?:attachedTemplate|rsidRoot|rsid)', tag => (tag.endsWith('/>') ? '' : tag)),
  ],
  // What a document library wrote about it; other data in such parts is content.
  [
    /^customXml\/item\d+\.xml$/,
    xml =>
      /schemas\.microsoft\.com\/(?:office\/2006\/metadata|sharepoint)\//.test(xml) ? '<removed/>' : xml,
  ],
]

function changePart(members: Members, name: string, change: (xml: string) => string): boolean {
  const content = members.read(name)
  if (content === undefined || content.includes(0)) return false
  const xml = content.toString('latin1')
  const changed = change(xml)
  if (changed !== xml) members.replace(name, changed)
  return true
}
