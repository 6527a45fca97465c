import { type OpenApi, openApiDocument, problemCodes } from '../../contract/index.ts'
import { errorCatalogue, version } from '../../kernel/index.ts'
import { statuses } from '../problem.ts'

/** The API as OpenAPI 3.1. */
export function describeApi(): OpenApi {
  const refusals = problemCodes.map(code => {
    const { title, remedy, temporary } = errorCatalogue[code]
    return [code, { status: statuses[code] ?? 500, title, remedy, retryable: temporary }] as const
  })
  return openApiDocument(version, Object.fromEntries(refusals) as OpenApiRefusals)
}

type OpenApiRefusals = Parameters<typeof openApiDocument>[1]
