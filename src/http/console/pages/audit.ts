import type { Request, Router } from 'express'
import type { LoggedEvent } from '../../../audit-log/index.ts'
import { isId, SealpostError } from '../../../kernel/index.ts'
import { aboutOf, actorKinds, actorOf, fieldsOf, readEvent, readEvents } from '../../../review/index.ts'
import { refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Html, html } from '../../page/html.ts'
import { field, foreign } from '../../page/parts.ts'
import { type ConsoleContext, forOperator } from '../dependencies.ts'
import { idOf, present } from '../query.ts'
import { readersOfLog } from '../readers.ts'
import { readerBehind } from '../reading.ts'
import { afterOf, eventQuery, eventTypes } from '../search-forms.ts'
import { eventPage } from './event.ts'
import { older } from './older.ts'
import {
  eventsAbout,
  exactly,
  files,
  nothing,
  readSearch,
  select,
  sent,
  stand,
  times,
} from './search-parts.ts'

const pageQuery = eventQuery.omit({ format: true })

/** The audit log for auditors: a search, and each event with the proof that it is in the log. */
export function routeAuditPages(router: Router, context: ConsoleContext): void {
  const { site } = context

  router
    .route('/audit')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfLog)
      const { limit, after, ...asked } = readSearch(request, pageQuery)
      const filter = present(asked)
      const { events, next, log } = await readEvents(reader, filter, { limit, before: after })
      const body = html`${form(request)}
<div class="card"><ul class="list">${events.map(line)}</ul>${events.length === 0 && nothing(next !== undefined)}</div>
${older('/audit', request, afterOf(next))}
${files('/v1/audit', filter)}
${stand(log)}`
      sendPage(response, site, forOperator(operator, { title: 'Audit log', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/audit/:id')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfLog)
      const id = idOf(request)
      if (!isId('evt', id)) throw new SealpostError('not_found')
      const body = eventPage(await readEvent(reader, id))
      sendPage(response, site, forOperator(operator, { title: 'Event', body }))
    })
    .all(refuseMethod('GET, HEAD'))
}

function line({ leaf, id, type, at, body }: LoggedEvent): Html {
  const { result, outcome, code } = fieldsOf(body)
  const said = [outcome, code].filter(word => typeof word === 'string')
  const about = aboutOf(body)
  return html`<li><a href="/audit/${id}">${type}</a>${result === 'failure' && html` · <strong>failure</strong>`}${said.map(
    word => html` · <code>${word}</code>`,
  )}
<br><span class="soft">${exactly(at)}, leaf ${leaf}, by ${foreign(actorOf(body))}</span>${
    about.length > 0 &&
    html`
<br><span class="soft">about ${about.map(subject => html` ${eventsAbout(subject)}`)}</span>`
  }</li>`
}

function form(request: Request): Html {
  const value = sent(request)
  return html`<form class="card" method="get" action="/audit" role="search">
${field('about', 'About', {
  type: 'search',
  required: false,
  value: value('about'),
  size: 400,
  hint: 'An id, a fingerprint, a domain or an IP address; several with spaces between, and all of them must hold.',
})}
<div class="pair">
${times(value)}
${select('type', 'Type', value('type'), eventTypes)}
${select('result', 'Result', value('result'), ['success', 'failure'])}
${select('by', 'Caused by', value('by'), actorKinds, kind => kinds[kind as keyof typeof kinds])}
${field('outcome', 'Outcome of an attempt', { required: false, value: value('outcome'), size: 64 })}
${field('code', 'Code of a refusal', { required: false, value: value('code'), size: 64 })}
</div><button class="second">Search</button></form>`
}

const kinds: { readonly [Kind in (typeof actorKinds)[number]]: string } = {
  application: 'an application',
  gateway: 'the gateway itself',
  host: 'the command line of the host',
  operator: 'an operator',
  recipient: 'a recipient',
  peer: 'somebody unknown',
}
