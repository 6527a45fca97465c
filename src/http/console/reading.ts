import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { type Operator, type OperatorRole, requireRole } from '../../access/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import type { ExportFormat, Reader } from '../../review/index.ts'
import { type ConsoleContext, operatorBehind } from './dependencies.ts'

/** Who reads, and that they may. Throws `sign_in_required`, `role_missing`. */
export async function readerBehind(
  context: ConsoleContext,
  request: Request,
  ...roles: readonly OperatorRole[]
): Promise<{ readonly operator: Operator; readonly reader: Reader }> {
  const operator = await operatorBehind(context, request)
  requireRole(operator, ...roles)
  const { knex, clock } = context
  return { operator, reader: { knex, clock, actor: { kind: 'operator', id: operator.id } } }
}

const types = { csv: 'text/csv; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' } as const

/**
 * Sends a file while it is being made: as fast as the client takes it, and no more of it once the client is gone or this
 * replica stops. `open` is called, and so the export is on record, when it is sure that it will be sent.
 */
export async function sendFile(
  { exports, stopping }: ConsoleContext,
  request: Request,
  response: Response,
  { operator, name, as }: { readonly operator: Operator; readonly name: string; readonly as: ExportFormat },
  open: () => Promise<AsyncIterable<string>>,
): Promise<void> {
  if (request.method !== 'GET') {
    response.set('Allow', 'GET')
    throw new SealpostError('method_not_allowed')
  }
  exports.take(operator.id)
  const lines = await open()
  response.set('Content-Type', types[as]).attachment(`${name}.${as}`)
  response.set('Content-Type', types[as])
  await pipeline(Readable.from(lines), response, { signal: stopping })
}
