import { registerSchema, unregisterSchema, validate } from '@hyperjump/json-schema/openapi-3-1'
import type { OpenApi } from '../../src/contract/index.ts'
import { describeApi } from '../../src/http/docs/document.ts'

export type Json = Parameters<Awaited<ReturnType<typeof validate>>>[0]

/** The document as whoever fetches it has it. */
export const document = JSON.parse(JSON.stringify(describeApi())) as OpenApi & Record<string, Json>

/** Validators of JSON by places in the document, such as `/components/schemas/Problem`; a reader of its own decides, not ours. */
export async function validators<Name extends string>(
  places: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, (value: unknown) => boolean>>> {
  const uri = 'https://sealpost.test/openapi.json'
  registerSchema(document, uri, dialect)
  try {
    const made = Object.entries<string>(places).map(async ([name, place]) => {
      const check = await validate(`${uri}#${encodeURI(place)}`)
      return [name, (value: unknown) => check(value as Json).valid] as const
    })
    return Object.fromEntries(await Promise.all(made)) as Record<Name, (value: unknown) => boolean>
  } finally {
    unregisterSchema(uri)
  }
}

const dialect = 'https://spec.openapis.org/oas/3.1/dialect/base'
