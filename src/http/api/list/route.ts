import type { Express, Request } from 'express'
import { type ListQuery, listQuery } from '../../../contract/index.ts'
import { type ListFilter, listMessages } from '../../../intake/index.ts'
import { type Address, SealpostError } from '../../../kernel/index.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { renderList } from '../render.ts'
import { readListCursor } from './cursor.ts'
import { openTurns } from './turns.ts'

/** How many lists of one application may wait for each other. */
const most = 8

/** `GET /v1/messages`: an application's own messages. */
export function routeList(app: Express, { knex, clients }: ApiDependencies): void {
  const inTurn = openTurns(most)
  app.get('/v1/messages', async (request, response) => {
    const { id } = await clients.applicationOf(request)
    const { limit, cursor, since, until, ...query } = queryOf(request)
    const filter: ListFilter = {
      ...query,
      recipient: query.recipient as Address | undefined,
      from: query.from as Address | undefined,
      since: since === undefined ? undefined : new Date(since),
      until: until === undefined ? undefined : new Date(until),
    }
    const after = cursor === undefined ? undefined : readListCursor(cursor)
    response.json(renderList(await inTurn(id, () => listMessages(knex, id, filter, { limit, after }))))
  })
}

/**
 * What is asked for. Throws `invalid_request`, also for a name that is there twice: one of them would not count, and nobody knows which was
 * meant.
 */
function queryOf(request: Request): ListQuery {
  const { searchParams } = new URL(request.url, 'https://api.invalid')
  const names = [...searchParams.keys()]
  if (new Set(names).size !== names.length) {
    throw new SealpostError('invalid_request', { errors: [{ pointer: '', code: 'duplicate' }] })
  }
  const { success, data, error } = listQuery.safeParse(Object.fromEntries(searchParams))
  if (success) return data
  throw new SealpostError('invalid_request', {
    errors: error.issues.map(({ path, code }) => ({
      pointer: path.map(name => `/${String(name)}`).join(''),
      code: code === 'unrecognized_keys' ? 'unknown_field' : 'malformed',
    })),
  })
}
