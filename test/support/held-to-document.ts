import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { type Operation, operations, problem, refusalsAnywhere } from '../../src/contract/index.ts'
import type { Client } from '../../src/demo/index.ts'
import { statuses } from '../../src/http/problem.ts'

/** A client that throws when the api answers anything that its document does not say. */
export function heldToDocument(client: Client): Client {
  return {
    ...client,
    async post(message) {
      const answer = await client.post(message)
      requireDocumented('post', '/v1/messages', answer)
      return answer
    },
    async get(path) {
      const answer = await client.get(path)
      requireDocumented('get', path, answer)
      return answer
    },
  }
}

/** Throws unless the document of the api says that this can be the answer to a request. */
function requireDocumented(
  method: Operation['method'],
  path: string,
  { status, body }: { readonly status: number; readonly body: unknown },
): void {
  const operation = operationAt(method, path)
  const asked = `${method} ${path.split('?')[0] ?? ''}`
  if (status === operation?.answer.status) {
    if (operation.answer.schema !== undefined) requireForm(asked, operation.answer.schema, body)
    return
  }
  requireForm(asked, problem, body)
  const { code, status: said } = problem.parse(body)
  const documented: readonly string[] =
    operation === undefined ? ['not_found', 'request_refused'] : [...refusalsAnywhere, ...operation.refusals]
  if (!documented.includes(code)) throw new Error(`${asked} is not documented to answer ${code}`)
  if (said !== status || Reflect.get(statuses, code) !== status)
    throw new Error(`${asked}: ${code} with status ${status}`)
}

function operationAt(method: string, path: string): Operation | undefined {
  const steps = (path.split('?')[0] ?? '').split('/')
  return operations.find(
    operation =>
      operation.method === method &&
      isDeepStrictEqual(
        operation.path.split('/').map((step, i) => (step.startsWith('{') ? steps[i] : step)),
        steps,
      ),
  )
}

/** Throws unless it is of this form, down to the last field: what the schema does not know is no part of the answer. */
function requireForm(asked: string, schema: z.ZodType, body: unknown): void {
  const { success, data, error } = schema.safeParse(body)
  if (success && isDeepStrictEqual(data, body)) return
  const why = success ? 'a field that no schema knows' : error.message
  throw new Error(`${asked} answered what is not documented: ${why}\n${JSON.stringify(body, null, 1)}`)
}
