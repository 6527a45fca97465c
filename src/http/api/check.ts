import type { Express } from 'express'
import { recipientProblems } from '../../contract/index.ts'
import type { CheckedMessage } from '../../intake/index.ts'
import { errorCatalogue } from '../../kernel/index.ts'
import { announcedLength, bodyFormOf, readBody } from './body.ts'
import type { ApiDependencies } from './dependencies.ts'
import { refuseMethod } from './methods.ts'

/** `POST /v1/messages/check`: what would happen to a message. The body goes to a sealer as it comes. */
export function routeCheck(app: Express, { clients, check, bodies, bodyLimit }: ApiDependencies): void {
  app
    .route('/v1/messages/check')
    .post(async (request, response) => {
      const form = bodyFormOf(request)
      const application = await clients.applicationOf(request)
      const report = await bodies.hold(application.id, announcedLength(request), share =>
        check(application, readBody(request, bodyLimit, share), form),
      )
      response.json(render(report))
    })
    .all(refuseMethod('POST'))
}

function render({ problems, recipients, cards }: CheckedMessage): object {
  return {
    accepted: problems.length === 0,
    problems: problems.map(({ code, pointer }) => {
      const { title, remedy } = errorCatalogue[code]
      return { code, title, remedy, pointer }
    }),
    recipients: recipients.map(one =>
      'code' in one ? { ...one, remedy: recipientProblems[one.code].remedy } : one,
    ),
    cards,
  }
}
