import type { Router } from 'express'
import { findChangeRequest } from '../../../access/index.ts'
import {
  asDestinationRule,
  type DestinationProbe,
  type DestinationRule,
  probeFindings,
} from '../../../delivery/index.ts'
import { SealpostError } from '../../../kernel/index.ts'
import { readForm } from '../../browser/form.ts'
import { refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Html, html } from '../../page/html.ts'
import { act, card, foreign, say } from '../../page/parts.ts'
import { probeDomain } from '../actions.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { domainOfPath } from '../query.ts'

/** The way into a domain walked without sending, by the rule in force or by one that waits for approval. */
export function routeProbePage(router: Router, context: ConsoleContext): void {
  router
    .route('/destinations/:domain/probe')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const domain = domainOfPath(request)
      const change = (await readForm(request)).text('change')
      const rule = change === '' ? undefined : await ruleAskedFor(context, change, domain)
      const probe = await probeDomain(context, operator, domain, rule)
      const back = change === '' ? `/destinations/${domain}` : `/changes/${change}`
      const body = html`${result(probe)}<p><a href="${back}">Back</a></p>`
      sendPage(response, context.site, forOperator(operator, { title: `The way to ${domain}`, body }))
    })
    .all(refuseMethod('POST'))
}

/** A button that takes some seconds. */
export function probeButton(domain: string, change?: string): Html {
  return html`${act(
    `/destinations/${domain}/probe`,
    change === undefined ? 'Probe the way there' : 'Probe the way by this rule',
    {
      look: 'second',
      ...(change === undefined ? {} : { hidden: { change } }),
    },
  )}<p class="soft">Asks DNS, greets their servers and judges their TLS; sends no mail. May take half a minute.</p>`
}

/** Throws `not_found` unless this is a request for another rule of that domain. */
async function ruleAskedFor({ knex }: ConsoleContext, id: string, domain: string): Promise<DestinationRule> {
  const change = await findChangeRequest(knex, id)
  if (change.kind !== 'destination.set' || change.subject !== domain || change.body.rule === null) {
    throw new SealpostError('not_found')
  }
  return asDestinationRule(change.body.rule)
}

function result(probe: DestinationProbe): Html {
  const { ok, summary, advice, rules } = probe.verdict
  return html`${say(
    ok ? 'good' : 'warn',
    html`<p><strong>${foreign(summary)}</strong></p>${
      advice.length > 0 && html`<ul>${advice.map(sentence => html`<li>${foreign(sentence)}</li>`)}</ul>`
    }`,
  )}
${rules.map(rule =>
  card(
    'A rule that would do',
    html`<p>First compare its keys with them, on another way than mail or this network. Then ask for it: an approver sees it
as it is.</p><p class="lines">${JSON.stringify(rule, null, 2)}</p>`,
  ),
)}
${card('What was found', html`<p class="lines">${foreign(probeFindings(probe).join('\n'))}</p>`)}`
}
