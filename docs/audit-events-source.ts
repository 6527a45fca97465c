import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'

/** A member of an event or of a part of one, as its declaration says. */
export interface Field {
  /** With the names of what it stands in: `deliveries[].recipient`. */
  readonly name: string
  readonly type: string
  readonly optional: boolean
  /** Its docstring; undefined when it has none. */
  readonly words: string | undefined
}

/** Types of events that are declared together, with the same fields. */
export interface Group {
  readonly types: readonly string[]
  /** The docstring before the types. */
  readonly words: string | undefined
  readonly fields: readonly Field[]
}

export interface Area {
  readonly file: string
  readonly words: string | undefined
  readonly groups: readonly Group[]
}

/** A part that events share by its name. */
export interface Shape {
  readonly name: string
  readonly words: string | undefined
  readonly fields: readonly Field[]
}

const directory = new URL('../src/audit/events/', import.meta.url)

/** What the sources in src/audit/events say: read by the compiler's parser, so that nothing is said twice. */
export function readEventSources(): { readonly areas: readonly Area[]; readonly shapes: readonly Shape[] } {
  const files = readdirSync(directory)
    .filter(name => name.endsWith('.ts'))
    .toSorted()
    .map(name => ({
      name,
      source: ts.createSourceFile(
        name,
        readFileSync(new URL(name, directory), 'utf8'),
        ts.ScriptTarget.Latest,
        true,
      ),
    }))
  const interfaces = new Map<string, ts.InterfaceDeclaration>()
  for (const { source } of files) {
    for (const statement of source.statements) {
      if (ts.isInterfaceDeclaration(statement)) interfaces.set(statement.name.text, statement)
    }
  }
  const areas = files.flatMap(({ name, source }) => {
    const declared = source.statements.filter(ts.isTypeAliasDeclaration)
    const groups = declared.flatMap(alias => groupsOf(alias.type, interfaces))
    return groups.length === 0 ? [] : [{ file: name, words: declared.map(wordsOf).find(Boolean), groups }]
  })
  const mixedIn = new Set(['Counted'])
  const shapes = [...interfaces.values()]
    .filter(({ name }) => !mixedIn.has(name.text))
    .map(shape => ({
      name: shape.name.text,
      words: wordsOf(shape),
      fields: fieldsOf([...shape.members], '').filter(({ name }) => name !== 'type'),
    }))
  return { areas, shapes }
}

function groupsOf(type: ts.TypeNode, interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>): Group[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(part => groupsOf(part, interfaces))
  if (ts.isParenthesizedTypeNode(type)) return groupsOf(type.type, interfaces)
  const members = membersOf(type, interfaces)
  const kind = members.find(
    (member): member is ts.PropertySignature =>
      ts.isPropertySignature(member) && member.name.getText() === 'type',
  )
  if (kind?.type === undefined) return []
  const fields = fieldsOf(members, '').filter(({ name }) => name !== 'type')
  return [{ types: literalsOf(kind.type), words: wordsOf(kind), fields }]
}

function membersOf(
  type: ts.TypeNode,
  interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>,
): readonly ts.TypeElement[] {
  if (ts.isTypeLiteralNode(type)) return [...type.members]
  if (ts.isIntersectionTypeNode(type)) return type.types.flatMap(part => membersOf(part, interfaces))
  if (ts.isTypeReferenceNode(type)) return [...(interfaces.get(type.typeName.getText())?.members ?? [])]
  return []
}

function fieldsOf(members: readonly ts.TypeElement[], within: string): Field[] {
  return members.filter(ts.isPropertySignature).flatMap(member => {
    const name = `${within}${member.name.getText()}`
    const type = member.type
    const optional = member.questionToken !== undefined
    const inner = type === undefined ? undefined : literalWithin(type)
    const words = wordsOf(member)
    if (inner === undefined) return [{ name, type: textOf(type), optional, words }]
    const inList = inner.list ? '[]' : ''
    return [
      { name: `${name}${inList}`, type: inner.list ? 'list' : 'object', optional, words },
      ...fieldsOf(inner.members, `${name}${inList}.`),
    ]
  })
}

/** The members of an object, or of the objects in a list, that are written out in place. */
function literalWithin(
  type: ts.TypeNode,
): { readonly members: readonly ts.TypeElement[]; readonly list: boolean } | undefined {
  if (ts.isTypeLiteralNode(type)) return { members: [...type.members], list: false }
  if (ts.isTypeOperatorNode(type)) return literalWithin(type.type)
  if (!ts.isArrayTypeNode(type)) return undefined
  const element = literalWithin(type.elementType)
  return element === undefined ? undefined : { members: element.members, list: true }
}

function literalsOf(type: ts.TypeNode): string[] {
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(literalsOf)
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : []
}

function textOf(type: ts.TypeNode | undefined): string {
  return (type?.getText() ?? '').replaceAll(/\s+/g, ' ').replaceAll('readonly ', '').replace(/^\| /, '')
}

function wordsOf(node: ts.Node): string | undefined {
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)?.comment
  const text = typeof comment === 'string' ? comment : ts.getTextOfJSDocComment(comment)
  return text?.replaceAll(/\s+/g, ' ').replaceAll(/\{@link (\w+)\}/g, '`$1`')
}
