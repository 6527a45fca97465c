import fc from 'fast-check'
import type { JsonSchema, OperationObject } from '../../src/contract/index.ts'
import { document } from './document.ts'
import { changed } from './messages.ts'

/** A request as it goes out. */
export interface Input {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/** Digits that an answer must not repeat, some of them card numbers, with an id or a key around them or alone. */
const digits = fc.constantFrom(
  '4111111111111111',
  '5500000000000004',
  '123456789012',
  '4111 1111 1111 1111',
  '2027061512345678901',
)

/** Values that a schema of the document allows; what only zod knows of it may be missed. */
function allowedBy(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { $ref: ref, type, items = {}, properties = {}, required = [], minItems, maxItems } = schema
  if (ref !== undefined) return allowedBy(document.components.schemas[ref.split('/').at(-1) ?? ''] ?? {})
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer')
    return fc.integer({ min: Number(schema['minimum']), max: Number(schema['maximum']) })
  if (type === 'array') {
    const most = Math.min(Number(maxItems ?? 3), 3)
    return fc.array(allowedBy(items), { minLength: Number(minItems ?? 0), maxLength: most })
  }
  if (type === 'object') {
    const members = Object.entries(properties).map(([name, member]) => [name, allowedBy(member)] as const)
    return fc.record(Object.fromEntries(members), { requiredKeys: [...required] })
  }
  return textAllowedBy(schema)
}

function textAllowedBy({ pattern, maxLength, allOf = [] }: JsonSchema): fc.Arbitrary<string> {
  const patterns = [pattern, ...(allOf as { pattern?: unknown }[]).map(each => each.pattern)].filter(
    (each): each is string => typeof each === 'string',
  )
  const [first = '^[ -~]*$'] = patterns
  // What the generator cannot look ahead for is left out, and what does not fit is tried again.
  return fc
    .stringMatching(new RegExp(first.replaceAll(/\(\?[=!][^)]*\)/g, '')))
    .filter(text => patterns.every(each => new RegExp(each, 'u').test(text)))
    .filter(text => text.isWellFormed() && text.length <= Number(maxLength ?? Infinity))
}

const junk = fc.oneof(digits, fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 8 }))
const inHeader = /^[\x20-\x7e]*$/

/**
 * Requests of one operation: of the form that the document asks for and of others. `known` are values that the gateway knows, by the name
 * of a field or parameter: without them nearly everything would be refused at the first step.
 */
export function inputsOf(
  path: string,
  { parameters = [], requestBody }: OperationObject,
  known: Readonly<Record<string, unknown>>,
): fc.Arbitrary<Input> {
  const told = (name: string, schema: JsonSchema): fc.Arbitrary<string> => {
    const real = known[name]
    return fc.oneof(
      { arbitrary: typeof real === 'string' ? fc.constant(real) : allowedBy(schema).map(String), weight: 4 },
      { arbitrary: allowedBy(schema).map(String), weight: 4 },
      { arbitrary: junk, weight: 1 },
    )
  }
  const place = (kind: 'path' | 'query' | 'header'): fc.Arbitrary<Readonly<Record<string, string>>> => {
    const values = parameters
      .filter(parameter => parameter.in === kind)
      .map(({ name, required, schema }) => {
        const given = told(name, schema).map(value => [[name, value] as const])
        return required ? given : fc.oneof(given, fc.constant([]))
      })
    return fc.tuple(...values).map(entries => Object.fromEntries(entries.flat()))
  }
  const unknownQuery = fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 7 },
    { arbitrary: fc.tuple(junk, junk), weight: 1 },
  )
  const json = requestBody?.content['application/json']?.schema
  const body = json === undefined ? fc.constant(undefined) : bodies(json, known)
  return fc
    .record({
      inPath: place('path'),
      query: place('query'),
      header: place('header'),
      more: unknownQuery,
      body,
    })
    .map(({ inPath, query, header, more, body: sent }) => {
      const named = new URLSearchParams(
        [...Object.entries(query), ...(more === undefined ? [] : [more])].map(([name, value]) => [
          name.toWellFormed(),
          value.toWellFormed(),
        ]),
      )
      const filled = path.replaceAll(/\{([a-z]+)\}/g, (_whole, name: string) =>
        encodeURIComponent((inPath[name] || '-').toWellFormed()),
      )
      return {
        path: named.size === 0 ? filled : `${filled}?${named.toString()}`,
        headers: {
          ...Object.fromEntries(Object.entries(header).filter(([, value]) => inHeader.test(value))),
          ...sent?.headers,
        },
        body: sent?.body,
      }
    })
}

function bodies(
  schema: JsonSchema,
  known: Readonly<Record<string, unknown>>,
): fc.Arbitrary<{ body: Buffer; headers: Record<string, string> }> {
  const allowed = allowedBy(schema)
  const { from, to } = known
  const fitting = allowed.map(value => ({
    text: 't',
    ...(value as object),
    from,
    to,
    ...(Object.hasOwn(value as object, 'replyTo') ? { replyTo: from } : {}),
  }))
  const withDigits = fc
    .tuple(fitting, digits, fc.constantFrom('text', 'subject', 'reference', 'filename', 'x'))
    .map(([value, run, name]) => ({ ...value, [name]: run }))
  const value = fc.oneof(
    { arbitrary: fitting, weight: 4 },
    { arbitrary: allowed, weight: 1 },
    { arbitrary: withDigits, weight: 2 },
    { arbitrary: fitting.chain(changed), weight: 4 },
  )
  const json = value.map(each => Buffer.from(JSON.stringify(each)))
  const cut = fc.tuple(json, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)))
  const bytes = fc
    .tuple(fc.uint8Array({ maxLength: 40 }), digits)
    .map(([some, run]) => Buffer.concat([some, Buffer.from(run)]))
  const multipart = fc
    .tuple(fc.oneof(json, bytes), junk, fc.uint8Array({ maxLength: 20 }))
    .map(([message, name, content]) =>
      Buffer.concat([
        Buffer.from(
          '--b0\r\nContent-Disposition: form-data; name="message"\r\nContent-Type: application/json\r\n\r\n',
        ),
        message,
        Buffer.from(
          `\r\n--b0\r\nContent-Disposition: form-data; name="attachment"; filename="${name}"\r\nContent-Type: text/csv\r\n\r\n`,
        ),
        content,
        Buffer.from('\r\n--b0--\r\n'),
      ]),
    )
  const as = (type: string) => (body: Buffer) => ({ body, headers: { 'content-type': type } })
  return fc.oneof(
    { arbitrary: json.map(as('application/json')), weight: 8 },
    { arbitrary: multipart.map(as('multipart/form-data; boundary=b0')), weight: 3 },
    { arbitrary: cut.map(as('application/json')), weight: 1 },
    { arbitrary: cut.map(as('multipart/form-data; boundary=b0')), weight: 1 },
    { arbitrary: bytes.map(as('application/json; charset=utf-8')), weight: 1 },
    { arbitrary: json.map(as('text/plain')), weight: 1 },
  )
}
