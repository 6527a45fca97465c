import type { Router } from 'express'
import { listChangeRequests, listOperators } from '../../../access/index.ts'
import { listQuarantined } from '../../../delivery/index.ts'
import { policyStanding } from '../../../policy/index.ts'
import type { RecipientSummary } from '../../../recipients/index.ts'
import { refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { card, foreign, moment, say } from '../../page/parts.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { changeLine } from './change-words.ts'

/** What waits for somebody. */
export function routeOverview(router: Router, context: ConsoleContext): void {
  const { knex, clock, enrolment, site } = context
  router
    .route('/')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const [standing, waiting, operators, invited, quarantined] = await Promise.all([
        policyStanding(knex, clock.now()),
        listChangeRequests(knex, { state: 'pending', limit: 50 }),
        listOperators(knex),
        enrolment.list({ state: 'invited' }, { limit: 50 }),
        listQuarantined(knex, { limit: 1 }),
      ])
      sendPage(
        response,
        site,
        forOperator(operator, {
          title: 'Overview',
          body: html`${standing.state !== 'in_force' && noPolicy}
${quarantined.length > 0 && inQuarantine}
${card(
  'Waiting for a second person',
  waiting.length === 0
    ? html`<p class="soft">Nothing waits.</p>`
    : html`<ul class="list">${waiting.map(change => changeLine(change, operators))}</ul>`,
)}
${card(
  'On their way',
  invited.length === 0
    ? html`<p class="soft">Nobody is being enrolled.</p>`
    : html`<ul class="list">${invited.map(recipientLine)}</ul>`,
)}
<p class="acts"><a href="/recipients/new">Invite a recipient</a> <a href="/recipients/import">Invite many
from a CSV file</a></p>`,
        }),
      )
    })
    .all(refuseMethod('GET, HEAD'))
}

const noPolicy = say(
  'bad',
  html`<p><strong>No crypto policy is in force: nothing is sent and nobody can be enrolled.</strong> One
operator <a href="/policies">asks for a policy</a>, another approves it.</p>`,
)

const inQuarantine = say(
  'warn',
  html`<p><a href="/quarantine">Deliveries are in quarantine</a>: somebody has to decide on them.</p>`,
)

export function recipientLine(recipient: RecipientSummary): Html {
  const { id, address, organisation, kind, state, proposal, certificateExpiresAt } = recipient
  return html`<li><a href="/recipients/${id}">${foreign(address)}</a> · ${foreign(organisation)}
<br><span class="soft">${kind}, ${state}${
    proposal !== null && proposal !== 'activated' && html`, certificate ${proposal}`
  }${ends(certificateExpiresAt)}</span></li>`
}

function ends(at: Date | null): Content {
  return at !== null && html`, key good until ${moment(at)}`
}
