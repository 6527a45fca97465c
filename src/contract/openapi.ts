import { type BodySchema, type Operation, operations, refusalsAnywhere } from './operations.ts'
import type { ProblemCode } from './problem.ts'
import { fieldsOf, type JsonSchema, namedSchemas, schemaOf } from './schemas.ts'
import { webhookPayload } from './update.ts'

/** How an error is answered: from the catalogue of errors, with its HTTP status. */
export interface Refusal {
  readonly status: number
  readonly title: string
  readonly remedy: string
  readonly retryable: boolean
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}

interface Media {
  readonly schema?: JsonSchema
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>
  readonly encoding?: unknown
}

interface Header {
  readonly description: string
  /** Whether every such answer has it. */
  readonly required: boolean
  readonly schema: JsonSchema
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, Header>>
  readonly content?: Readonly<Record<string, Media>>
}

export interface OperationObject {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: true; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, Response>>
}

export interface OpenApi {
  readonly openapi: '3.1.1'
  readonly info: {
    readonly title: string
    readonly version: string
    readonly description: string
    readonly license: object
  }
  readonly servers: readonly object[]
  readonly security: readonly object[]
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<'get' | 'post', OperationObject>>>>>
  readonly webhooks: { readonly update: { readonly post: OperationObject } }
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly examples: object
    readonly securitySchemes: object
  }
}

/** The OpenAPI 3.1 document of the API: all of it made from the schemas, the table of operations and the catalogue of errors. */
export function openApiDocument(version: string, refusals: Readonly<Record<ProblemCode, Refusal>>): OpenApi {
  const used = new Set<ProblemCode>()
  const paths: Record<string, Partial<Record<'get' | 'post', OperationObject>>> = {}
  for (const operation of operations) {
    const codes = [...new Set([...refusalsAnywhere, ...operation.refusals])]
    for (const code of codes) used.add(code)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describe(operation, codes, refusals),
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sealpost',
      version,
      description:
        'For internal applications, over TLS 1.2 or 1.3 with a client certificate of the private CA: its name says which application asks. Errors are problem documents (RFC 9457) with a stable `code`, and never repeat a value that was sent.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ clientCertificate: [] }],
    paths,
    webhooks: { update: { post: webhook } },
    components: {
      schemas: namedSchemas(),
      examples: Object.fromEntries([...used].map(code => [code, exampleOf(code, refusals[code])])),
      securitySchemes: { clientCertificate: { type: 'mutualTLS' } },
    },
  }
}

/** draft-ietf-httpapi-ratelimit-headers. */
const rateHeaders = {
  'RateLimit-Policy': 'How many requests of this kind the application may make: `q` in `w` seconds.',
  RateLimit: 'How many are left now, `r`, and in how many seconds all of them are there again, `t`.',
}

function describe(
  operation: Operation,
  codes: readonly ProblemCode[],
  refusals: Readonly<Record<ProblemCode, Refusal>>,
): OperationObject {
  const { name, title, text, body, answer, path } = operation
  const headers = { ...answer.headers, ...(path.startsWith('/v1/') ? rateHeaders : {}) }
  const parameters = parametersOf(operation)
  const byStatus = Map.groupBy(
    codes.toSorted((a, b) => refusals[a].status - refusals[b].status),
    code => refusals[code].status,
  )
  return {
    operationId: name,
    summary: title,
    description: text.join('\n\n'),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      [answer.status]: {
        description: answer.text,
        ...(Object.keys(headers).length === 0 ? {} : { headers: headersOf(headers) }),
        content: { [answer.type]: answer.schema === undefined ? {} : { schema: schemaOf(answer.schema) } },
      },
      ...Object.fromEntries([...byStatus].map(([status, group]) => [status, refused(group, refusals)])),
    },
  }
}

function parametersOf({ path, query, headers = {} }: Operation): readonly Parameter[] {
  const inPath = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = query === undefined ? [] : fieldsOf(query)
  const told = (kind: 'query' | 'header', name: string, required: boolean, schema: JsonSchema): Parameter => {
    const { description, ...rest } = schema
    return { name, in: kind, required, ...(description === undefined ? {} : { description }), schema: rest }
  }
  return [
    ...inPath,
    // A default makes the field one that need not be there.
    ...inQuery.map(({ name, required, schema }) => told('query', name, required, schema)),
    ...Object.entries(headers).map(([name, schema]) => told('header', name, false, schemaOf(schema))),
  ]
}

/** A message comes as JSON, or as multipart (RFC 7578) with large attachments beside it. */
function contentOf({ json }: BodySchema): Readonly<Record<string, Media>> {
  const message = schemaOf(json)
  return {
    'application/json': { schema: message },
    'multipart/form-data': {
      schema: {
        type: 'object',
        description:
          'The part `message` comes first: the message as JSON, which need not name attachments. Then a part `attachment` with a filename and a media type for each.',
        properties: {
          message: {
            type: 'object',
            description: 'As in application/json; the attachments may stand beside it.',
          },
          attachment: {
            type: 'array',
            items: { contentMediaType: 'application/octet-stream' },
            maxItems: 100,
          },
        },
        required: ['message'],
      },
      encoding: { message: { contentType: 'application/json' } },
    },
  }
}

function refused(codes: readonly ProblemCode[], refusals: Readonly<Record<ProblemCode, Refusal>>): Response {
  const waits = codes.filter(code => refusals[code].retryable).length
  const retryAfter = {
    'Retry-After': 'In how many seconds the same request can succeed; with what is `retryable`.',
  }
  return {
    description: codes.map(code => `\`${code}\`: ${refusals[code].title}`).join('\n\n'),
    ...(waits === 0 ? {} : { headers: headersOf(retryAfter, waits === codes.length) }),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map(code => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  }
}

function headersOf(headers: Readonly<Record<string, string>>, required = true): Record<string, Header> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, required, schema: { type: 'string' } },
    ]),
  )
}

function exampleOf(code: ProblemCode, { status, title, remedy, retryable }: Refusal): object {
  return {
    summary: title,
    value: {
      type: `urn:sealpost:error:${code}`,
      title,
      status,
      detail: remedy,
      instance: 'urn:uuid:3f0c8f54-7f0e-4f3c-9d3e-0c5f6f1c9b7a',
      code,
      retryable,
      documentation: `/docs/errors#${code}`,
    },
  }
}

const webhook: OperationObject = {
  operationId: 'receiveUpdate',
  summary: 'A change of a delivery, told to an address of yours',
  description:
    'Signed as Standard Webhooks says (standardwebhooks.com): check the signature over `webhook-id`, `webhook-timestamp` and the body before you read it. The same call can come again; its `webhook-id` is the same then.',
  security: [],
  parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(name => ({
    name,
    in: 'header' as const,
    required: true,
    schema: { type: 'string' },
  })),
  requestBody: { required: true, content: { 'application/json': { schema: schemaOf(webhookPayload) } } },
  responses: {
    '2XX': { description: 'Taken. Anything else is tried again, later each time.' },
    '410': { description: 'Gone: the webhook is disabled.' },
  },
}
