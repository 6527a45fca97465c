import { validate } from '@hyperjump/json-schema/openapi-3-1'
import { describe, expect, test } from 'vitest'
import { operations, problemCodes, recipientCodes } from '../../src/contract/index.ts'
import { errorsPage } from '../../src/http/docs/errors-page.ts'
import { docsPage } from '../../src/http/docs/page.ts'
import { renderPage } from '../../src/http/page/layout.ts'
import { statuses } from '../../src/http/problem.ts'
import { errorCatalogue } from '../../src/kernel/index.ts'
import { document, type Json, validators } from './document.ts'

/** Every object in the document, with its place as a JSON pointer. */
function* objectsIn(
  value: unknown,
  place = '',
): Generator<readonly [string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [place, value as Record<string, unknown>]
  for (const [name, member] of Object.entries(value)) {
    yield* objectsIn(member, `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
  }
}
const objects = [...objectsIn(document)]

describe('the OpenAPI document', () => {
  test('is valid by the schema of OpenAPI 3.1, and its schemas by that of JSON Schema', async () => {
    const valid = await validate('https://spec.openapis.org/oas/3.1/schema-base')
    expect(valid(document as Json, 'BASIC')).toEqual({ valid: true })
    const broken = structuredClone(document) as unknown as {
      components: { schemas: { Problem: { type: string } } }
    }
    broken.components.schemas.Problem.type = 'strings'
    expect(valid(broken as unknown as Json).valid).toBe(false)
  })

  test('refers to nothing that it does not hold, and holds nothing that nobody refers to', () => {
    const places = new Set(objects.map(([place]) => place))
    const referred = new Set(
      objects.flatMap(([, { $ref: ref }]) => (typeof ref === 'string' ? [ref.slice(1)] : [])),
    )
    expect([...referred].filter(place => !places.has(place))).toEqual([])
    const held = [...places].filter(place => /^\/components\/(?:schemas|examples)\/[^/]+$/.test(place))
    expect(held.filter(place => !referred.has(place))).toEqual([])
  })

  test('has patterns that every reader of JSON Schema takes', () => {
    const patterns = objects.flatMap(([, { pattern }]) => (typeof pattern === 'string' ? [pattern] : []))
    expect(patterns.length).toBeGreaterThan(20)
    // ECMA-262 with the flag `u`, as JSON Schema has it.
    for (const pattern of patterns) expect(() => new RegExp(pattern, 'u'), pattern).not.toThrow()
  })

  test('gives examples that its own schemas accept', async () => {
    const withExamples = objects.filter(
      ([place, { examples }]) => /\/schema/.test(place) && Array.isArray(examples),
    )
    const check: Readonly<Record<string, (value: unknown) => boolean>> = await validators({
      ...Object.fromEntries(withExamples.map(([place]) => [place, place])),
      problem: '/components/schemas/Problem',
    })
    expect(withExamples.length).toBeGreaterThan(0)
    for (const [place, { examples }] of withExamples) {
      for (const example of examples as unknown[]) expect(check[place]?.(example), place).toBe(true)
    }
    const problems = Object.values(document.components.examples) as { value: unknown }[]
    expect(problems.map(({ value }) => check['problem']?.(value))).toEqual(problems.map(() => true))
  })

  test('names each operation once, and each thing in a path as a parameter', () => {
    const names = operations.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters = [] } of Object.values(methods)) {
        const named = parameters.filter(parameter => parameter.in === 'path').map(({ name }) => `{${name}}`)
        expect(path.match(/\{[^}]*\}/g) ?? []).toEqual(named)
      }
    }
  })
})

describe('the codes', () => {
  test('of the document are those of the catalogue, each with its status', () => {
    for (const code of problemCodes) {
      expect(Object.keys(errorCatalogue)).toContain(code)
      expect(statuses[code], code).toBeGreaterThanOrEqual(400)
    }
    const examples = Object.keys(document.components.examples)
    // No documented request is answered with the one that is left.
    expect(problemCodes.filter(code => !examples.includes(code))).toEqual(['method_not_allowed'])
  })

  test('that any listener answers with are at their places on the page', () => {
    const page = renderPage({ organisation: 'Bank', purpose: 'API' }, errorsPage())
    const places = [...page.matchAll(/ id="([a-z0-9_]+)"/g)].map(([, id]) => id)
    expect(places).toEqual(Object.keys(errorCatalogue).filter(code => Object.hasOwn(statuses, code)))
    for (const code of recipientCodes) expect(page).toContain(`<code>${code}</code>`)
  })
})

test('the page for people has a place for whatever it refers to', () => {
  const page = renderPage({ organisation: 'Bank', purpose: 'API' }, docsPage(document))
  const places = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  expect(new Set(places).size).toBe(places.length)
  const links = [...page.matchAll(/ href="([^"]+)"/g)].map(([, link = '']) => link)
  const within = links.filter(link => link.startsWith('#')).map(link => link.slice(1))
  expect(within.length).toBeGreaterThan(30)
  expect(within.filter(link => !places.includes(link))).toEqual([])
  const codes = links
    .filter(link => link.startsWith('/docs/errors#'))
    .map(link => link.slice('/docs/errors#'.length))
  expect(codes.filter(code => !Object.hasOwn(statuses, code))).toEqual([])
  expect(links.filter(link => /^[a-z]+:/.test(link))).toEqual([])
  for (const { path } of operations) expect(page).toContain(path)
})
