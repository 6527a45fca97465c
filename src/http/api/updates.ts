import type { Express, Request, Response } from 'express'
import { type ApplicationId, isId, type MessageId, SealpostError } from '../../kernel/index.ts'
import { isKept, isMessageOf, readCursor, writeEvent } from '../../updates/index.ts'
import type { ApiDependencies } from './dependencies.ts'
import { refuseMethod } from './methods.ts'
import { openStreams } from './stream.ts'

/** What applications hear of their deliveries while they happen: `GET /v1/updates`, `GET /v1/messages/{id}/updates`. */
export function routeUpdates(app: Express, dependencies: ApiDependencies): void {
  const { knex, clients, feed } = dependencies
  const streams = openStreams(dependencies)

  const follow = async (
    request: Request,
    response: Response,
    application: ApplicationId,
    message?: MessageId,
  ): Promise<void> => {
    const cursor = request.get('Last-Event-ID')
    const resumed = cursor === undefined || cursor === '' ? undefined : readCursor(cursor)
    const lost = resumed !== undefined && !(await isKept(knex, application, resumed))
    const stream = streams.open(application, response, () => clients.applicationOf(request))
    // Between its place and what is kept there may have been more: it is to look how things stand.
    if (lost) stream.send('event: reset\ndata: {}\n\n')
    // Of one message all is told that is kept; it is little.
    const start = message === undefined ? undefined : { xid: 0n, id: 0n }
    const unfollow = feed.follow({
      application,
      message,
      after: resumed ?? start,
      ready: () => stream.ready(),
      take: updates => stream.send(updates.map(writeEvent).join('')),
    })
    stream.onClose(unfollow)
  }

  // `head` first: Express would answer it by `get`, and never end.
  app
    .route('/v1/updates')
    .head(refuseMethod('GET'))
    .get(async (request, response) => {
      const { id } = await clients.applicationOf(request)
      await follow(request, response, id)
    })
    .all(refuseMethod('GET'))
  app
    .route('/v1/messages/:id/updates')
    .head(refuseMethod('GET'))
    .get(async (request, response) => {
      const { id: application } = await clients.applicationOf(request)
      const message = request.params.id
      const known = isId('msg', message) && (await isMessageOf(knex, application, message))
      if (!known) throw new SealpostError('not_found')
      await follow(request, response, application, message)
    })
    .all(refuseMethod('GET'))
}
