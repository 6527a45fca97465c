import type { Router } from 'express'
import { listOperators, type Operator } from '../../../access/index.ts'
import type { DestinationEvent } from '../../../audit/index.ts'
import { type DestinationDetails, showDestination, wishDestination } from '../../../delivery/index.ts'
import { readForm } from '../../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { act, card, moment, say } from '../../page/parts.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { destinationForm } from '../forms.ts'
import { checked, domainOfPath } from '../query.ts'
import { changeLine, nameOf } from './change-words.ts'
import { attemptLine, ruleWords } from './destination-words.ts'
import { probeButton } from './probe.ts'
import { ruleForm, ruleOfForm } from './rule-form.ts'

/** One domain: its rule in plain words, how its servers fared, what waits, what was, and the form to ask for another rule. */
export function routeDestinationPage(router: Router, context: ConsoleContext): void {
  const { knex, clock, sender, site } = context

  router
    .route('/destinations/:domain')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const domain = domainOfPath(request)
      const [details, operators] = await Promise.all([showDestination(knex, domain), listOperators(knex)])
      const body = destinationBody(details, operator, operators)
      sendPage(response, site, forOperator(operator, { title: domain, body }))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const domain = domainOfPath(request)
      const wish = checked(destinationForm, { domain, rule: ruleOfForm(await readForm(request)) })
      const done = await wishDestination(knex, clock, operator, wish, sender)
      goTo(response, done.outcome === 'asked' ? `/changes/${done.change.id}` : `/destinations/${domain}`)
    })
    .all(refuseMethod('GET, HEAD, POST'))
}

function destinationBody(
  details: DestinationDetails,
  operator: Operator,
  operators: readonly Operator[],
): Content {
  const { domain, rule, updatedAt, last, lastDelivered, waiting, history } = details
  const admin = operator.roles.includes('admin')
  const mayProbe = admin || operator.roles.includes('approver')
  return html`${rule === null && noRule(domain, admin && waiting === null)}
${
  waiting !== null &&
  card('Waiting for a second person', html`<ul class="list">${changeLine(waiting, operators)}</ul>`)
}
${
  rule !== null &&
  card(
    `The rule: ${rule.mode}`,
    html`${ruleWords(rule)}${updatedAt !== null && html`<p class="soft">Since ${moment(updatedAt)}.</p>`}`,
  )
}
${
  last !== null &&
  card(
    'How it went',
    html`<ul class="list"><li>${attemptLine('Last attempt', last)}</li><li>${attemptLine('Last delivered', lastDelivered)}</li></ul>`,
  )
}
${mayProbe && card('The way there', probeButton(domain))}
${admin && waiting === null && change(domain, rule)}
${
  history.length > 0 &&
  card('History', html`<ul class="list">${history.map(event => eventLine(event, operators))}</ul>`)
}`
}

function noRule(domain: string, canSet: boolean): Html {
  return say(
    'warn',
    html`<p><strong>This domain has no rule: nothing is sent there.</strong></p>
<p>If its mail servers have DANE or MTA-STS, the rule <strong>auto</strong> is enough. Probe the way
there to know.</p>${canSet && act(`/destinations/${domain}`, 'Set auto now', { hidden: { mode: 'auto' } })}`,
  )
}

function change(domain: string, rule: DestinationDetails['rule']): Html {
  return card(
    rule === null ? 'Another rule' : 'Change the rule',
    html`<p class="soft">${
      rule === null
        ? 'A first rule of kind auto holds at once; any other waits until a second operator has approved it.'
        : 'It holds once a second operator has approved it. Until then the present rule stays.'
    }</p><details><summary>Fill in</summary>${ruleForm(domain, rule)}</details>`,
  )
}

function eventLine(event: DestinationEvent, operators: readonly Operator[]): Html {
  const what = event.type === 'destination.set' ? `Set to ${event.mode}` : 'Taken away'
  const { actor } = event
  const who = actor.kind === 'operator' ? nameOf(operators, actor.id) : `the ${actor.kind}`
  return html`<li>${what}, ${moment(event.at)}, by ${who}${
    event.change !== undefined && html` (<a href="/changes/${event.change}">the change request</a>)`
  }${
    event.type === 'destination.set' &&
    event.sha256 !== undefined &&
    html`<br><span class="soft">SHA-256 of
the rule: <code>${event.sha256}</code></span>`
  }</li>`
}
