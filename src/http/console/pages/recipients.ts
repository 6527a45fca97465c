import type { Request, Router } from 'express'
import { domainsWithoutRule } from '../../../delivery/index.ts'
import { recipientKinds } from '../../../recipients/index.ts'
import { readForm } from '../../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { html } from '../../page/html.ts'
import { field, say } from '../../page/parts.ts'
import { listRecipients, utf8 } from '../api/recipients.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { invitationForm } from '../forms.ts'
import { checked } from '../query.ts'
import { importReport } from './import-report.ts'
import { invitationOf, invitationPage } from './invitation-form.ts'
import { older } from './older.ts'
import { recipientLine } from './overview.ts'

/** The list of recipients, and the ways to invite. */
export function routeRecipientPages(router: Router, context: ConsoleContext): void {
  const { enrolment, knex, site } = context

  router
    .route('/recipients')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const { recipients, next } = await listRecipients(context, request)
      const body = html`${filter(request)}
<div class="card"><ul class="list">${recipients.map(recipientLine)}</ul>${
        recipients.length === 0 &&
        html`<p class="soft">Nobody
fits.</p>`
      }</div>
${older('/recipients', request, next)}
<p class="acts"><a href="/recipients/new">Invite a recipient</a> <a href="/recipients/import">Invite many
from a CSV file</a></p>`
      sendPage(response, site, forOperator(operator, { title: 'Recipients', body }))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const invitation = checked(invitationForm, invitationOf(await readForm(request)))
      const { id } = await enrolment.invite(operator, invitation)
      goTo(response, `/recipients/${id}`)
    })
    .all(refuseMethod('GET, HEAD, POST'))

  router
    .route('/recipients/new')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      sendPage(response, site, forOperator(operator, { title: 'Invite a recipient', body: invitationPage }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/recipients/import')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      sendPage(response, site, forOperator(operator, { title: 'Invite from a CSV file', body: importForm }))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const form = await readForm(request)
      const file = form.file('file') ?? Buffer.from(form.text('text'))
      if (file.length > mostByPage) {
        sendPage(
          response,
          site,
          forOperator(operator, { title: 'Invite from a CSV file', body: [tooMany, importForm] }),
          413,
        )
        return
      }
      const report = await enrolment.importCsv(operator, utf8(file))
      sendPage(
        response,
        site,
        forOperator(operator, {
          title: 'Result of the import',
          body: importReport(report, await domainsWithoutRule(knex, 50)),
        }),
      )
    })
    .all(refuseMethod('GET, HEAD, POST'))
}

const mostByPage = 64 * 1024

const tooMany = say(
  'warn',
  html`<p><strong>That file is too large for this page.</strong> Split it, or send it to the API or the
command line, which take 10,000 lines.</p>`,
)

const importForm = html`<div class="card"><p>The first line names the columns:
<code>address,organisation,kind,phone,retentionDays</code>, and if wanted for each kind of attestation its
reference and its last day, such as <code>aoc,aocUntil</code>. A line that is wrong is reported and harms no
other.</p>
<form method="post" action="/recipients/import" enctype="multipart/form-data"><div class="field">
<label for="file">CSV file, in UTF-8</label><p class="hint" id="file-hint">At most 64 KiB; the API and
<code>sealpost recipient import</code> take
more.</p><input id="file" name="file" type="file" required aria-describedby="file-hint"></div>
<button>Invite all</button></form></div>`

const states = ['invited', 'active', 'suspended', 'unenrolled'] as const

function filter(request: Request) {
  const query = new URL(request.url, 'https://console.invalid').searchParams
  const option = (name: string, value: string) =>
    html`<option value="${value}"${
      query.get(name) === value &&
      html`
selected`
    }>${value === '' ? 'all' : value}</option>`
  return html`<form class="card" method="get" action="/recipients" role="search"><div class="pair">
${field('q', 'Address or organisation begins with', { type: 'search', required: false, value: query.get('q') ?? '' })}
<div class="field"><label for="state">State</label>
<select id="state" name="state">${['', ...states].map(state => option('state', state))}</select></div>
<div class="field"><label for="kind">Kind</label>
<select id="kind" name="kind">${['', ...recipientKinds].map(kind => option('kind', kind))}</select></div>
${field('expiringBefore', 'Ends before', { type: 'date', required: false, value: query.get('expiringBefore') ?? '', size: 10 })}
</div><button class="second">Show</button></form>`
}
