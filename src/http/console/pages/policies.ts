import type { Router } from 'express'
import type { Operator } from '../../../access/index.ts'
import type { PolicyStanding } from '../../../policy/index.ts'
import { type Form, readForm } from '../../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, html } from '../../page/html.ts'
import { card, dayOf, field, moment, say } from '../../page/parts.ts'
import { askAdoption, assessPolicy } from '../actions.ts'
import { policiesAt } from '../api/policies.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { adoptionForm } from '../forms.ts'
import { checked, present } from '../query.ts'

/** Which crypto policy is in force, whom another would cut off, and the way to ask for one. */
export function routePolicyPages(router: Router, context: ConsoleContext): void {
  const { knex, clock, site } = context

  router
    .route('/policies')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const { standing, policies, records } = await policiesAt(knex, clock.now())
      const body = html`${inForce(standing)}
${policies.map(({ name, reviewBy }) =>
  card(
    name,
    html`<p class="soft">To be reviewed by
${dayOf(reviewBy)}.</p>${forms(name, operator)}`,
  ),
)}
${
  records.length > 0 &&
  card(
    'Adopted so far',
    html`<ul class="list">${records.map(
      record => html`<li><strong>${record.policy}</strong>
from ${moment(record.effectiveAt)} until ${moment(record.expiresAt)}
<br><code class="soft">${record.sha256}</code></li>`,
    )}</ul>`,
  )
}`
      sendPage(response, site, forOperator(operator, { title: 'Policies', body }))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const { id } = await askAdoption(context, operator, wishOf(await readForm(request)))
      goTo(response, `/changes/${id}`)
    })
    .all(refuseMethod('GET, HEAD, POST'))

  router
    .route('/policies/assess')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const wish = wishOf(await readForm(request))
      const { assessed, refused } = await assessPolicy(context, operator, wish)
      const body = html`${say(
        refused.length === 0 ? 'good' : 'warn',
        html`<p><strong>${refused.length} of
${assessed} certificates in use would be cut off</strong> by the policy ${wish.policy}.</p>`,
      )}
${
  refused.length > 0 &&
  html`<div class="card">
<ul class="list">${refused.map(
    ({
      fingerprint,
      encryptionSubkey,
      reasons,
      from,
    }) => html`<li><a href="/keys/${fingerprint}"><code>${fingerprint}</code></a>
<br><span class="soft">subkey <code>${encryptionSubkey}</code>: ${reasons.join(', ')}, from ${moment(from)}</span></li>`,
  )}</ul></div>`
}
<p><a href="/policies">Back to the policies</a></p>`
      sendPage(response, site, forOperator(operator, { title: 'Who would be cut off', body }))
    })
    .all(refuseMethod('POST'))
}

function wishOf(form: Form) {
  const effectiveAt = form.text('effectiveAt')
  return present(
    checked(adoptionForm, { policy: form.text('policy'), ...(effectiveAt === '' ? {} : { effectiveAt }) }),
  )
}

function inForce(standing: PolicyStanding): Content {
  switch (standing.state) {
    case 'in_force':
      return say(
        'good',
        html`<p><strong>In force: ${standing.record.policy}</strong>, until
${moment(standing.record.expiresAt)}.</p>`,
      )
    case 'none':
      return say(
        'bad',
        html`<p><strong>No policy is in force: nothing is sent.</strong> Ask for one below; another operator
approves.</p>`,
      )
    case 'lapsed':
      return say(
        'bad',
        html`<p><strong>The policy ${standing.record.policy} lapsed on ${moment(standing.record.expiresAt)}:
nothing is sent.</strong></p>`,
      )
    case 'altered':
      return say(
        'bad',
        html`<p><strong>The file of the policy ${standing.record.policy} is not the one that was approved:
nothing is sent.</strong></p>`,
      )
  }
}

function forms(name: string, operator: Operator): Content {
  return html`<form method="post" action="/policies/assess">
<input type="hidden" name="policy" value="${name}"><button class="second">Who would be cut off?</button></form>
${
  operator.roles.includes('admin') &&
  html`<details><summary>Ask to put it in force</summary>
<form method="post" action="/policies">
<input type="hidden" name="policy" value="${name}">${field('effectiveAt', 'From which day on', { type: 'date', required: false, hint: 'Empty: as soon as it is approved.', size: 10, id: `${name}-effectiveAt` })}
<button>Ask for approval</button></form></details>`
}`
}
