import type { Router } from 'express'
import {
  type ChangeRequest,
  findChangeRequest,
  listChangeRequests,
  listOperators,
  type Operator,
} from '../../../access/index.ts'
import { showDestination } from '../../../delivery/index.ts'
import { isId } from '../../../kernel/index.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { act, card, facts, moment, say } from '../../page/parts.ts'
import { changeQuery, decisions } from '../api/changes.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { idOf, present, readQuery } from '../query.ts'
import { changeLine, nameOf, titleOf } from './change-words.ts'
import { destinationChange } from './destination-change.ts'
import { older } from './older.ts'
import { recipientFacts } from './recipient-facts.ts'

/** Change requests: what is asked, with everything that its approver has to know, and the decision. */
export function routeChangePages(router: Router, context: ConsoleContext): void {
  const { knex, approvals, site } = context

  router
    .route('/changes')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const query = readQuery(request, changeQuery)
      const [changes, operators] = await Promise.all([
        listChangeRequests(knex, present(query)),
        listOperators(knex),
      ])
      sendPage(
        response,
        site,
        forOperator(operator, {
          title: 'Change requests',
          body: html`<div class="card">
<ul class="list">${changes.map(change => changeLine(change, operators))}</ul>${
            changes.length === 0 && html`<p class="soft">There are none.</p>`
          }</div>${older('/changes', request, changes.length === query.limit ? changes.at(-1)?.id : undefined)}`,
        }),
      )
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/changes/:id')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const [change, operators] = await Promise.all([
        findChangeRequest(knex, idOf(request)),
        listOperators(knex),
      ])
      const body = html`${card('What is asked', [
        facts([
          ['Change', titleOf(change)],
          ['Asked by', nameOf(operators, change.askedBy)],
          ['Asked', moment(change.askedAt)],
          ['Waits until', change.state === 'pending' ? moment(change.expiresAt) : null],
          ['State', change.state],
          ['Decided by', change.decidedBy === null ? null : nameOf(operators, change.decidedBy)],
          [
            change.decidedBy === null ? 'Ended' : 'Decided',
            change.decidedAt === null ? null : moment(change.decidedAt),
          ],
        ]),
        asked(change),
      ])}
${await subject(context, change)}
${change.state === 'pending' && decision(change, operator)}`
      sendPage(response, site, forOperator(operator, { title: 'Change request', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  for (const step of decisions) {
    router
      .route(`/changes/:id/${step}`)
      .post(async (request, response) => {
        const operator = await operatorBehind(context, request)
        const { id } = await approvals[step](operator, idOf(request))
        goTo(response, `/changes/${id}`)
      })
      .all(refuseMethod('POST'))
  }
}

/** The body of the request, entry by entry: nothing is approved that was not seen. */
function asked({ body }: ChangeRequest): Content {
  const entries = Object.entries(body as Readonly<Record<string, unknown>>)
  return entries.length > 0 && facts(entries.map(([name, value]) => [name, shown(value)] as const))
}

function shown(value: unknown): Content {
  if (Array.isArray(value)) {
    return value.length === 0 ? 'none' : html`<ul>${value.map(item => html`<li>${shown(item)}</li>`)}</ul>`
  }
  if (typeof value === 'object' && value !== null)
    return facts(Object.entries(value).map(([name, held]) => [name, shown(held)]))
  return html`<bdi>${String(value)}</bdi>`
}

async function subject({ enrolment, knex }: ConsoleContext, change: ChangeRequest): Promise<Content> {
  if (change.kind === 'destination.set') {
    return destinationChange(change, await showDestination(knex, change.subject))
  }
  const { body, subject: id } = change
  const recipient = 'recipient' in body ? body.recipient : id
  if (!isId('rcp', recipient)) return undefined
  const details = await enrolment.show(recipient)
  const open = details.proposals.find(proposal => proposal.id === id)
  return recipientFacts(details, open)
}

function decision(change: ChangeRequest, operator: Operator): Html {
  if (change.askedBy === operator.id) {
    return html`${say(
      'plain',
      html`<p>You asked for this; somebody else has to approve it.</p>`,
    )}${act(`/changes/${change.id}/withdraw`, 'Withdraw the request', { look: 'second' })}`
  }
  if (!operator.roles.includes('approver')) {
    return say(
      'plain',
      html`<p>Approving takes the role <strong>approver</strong>, which you do not have.</p>`,
    )
  }
  return card(
    'Your decision',
    html`<p>Your name is recorded with it.</p>
<div class="acts">${act(`/changes/${change.id}/approve`, 'Approve')}${act(`/changes/${change.id}/reject`, 'Reject', { look: 'danger' })}</div>`,
  )
}
