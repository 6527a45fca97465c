import type { Request, Router } from 'express'
import { z } from 'zod'
import type { Operator } from '../../../access/index.ts'
import { domainsWithoutRule, lacksDestination } from '../../../delivery/index.ts'
import { type Address, type ProposalId, type RecipientId, SealpostError } from '../../../kernel/index.ts'
import { recipientKinds } from '../../../recipients/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import { readAll } from '../../browser/read-all.ts'
import { type ConsoleContext, operatorBehind } from '../dependencies.ts'
import { attestationsForm, invitationForm, noForm, suspensionForm, verificationForm } from '../forms.ts'
import { instant, limit, present, readQuery, recipientId, recipientOf, words } from '../query.ts'
import { assertType, readJson } from '../read-json.ts'

const mostOfCsv = 4 * 1024 * 1024

const recipientQuery = z.strictObject({
  state: z.enum(['invited', 'active', 'suspended', 'unenrolled']).optional(),
  kind: z.enum(recipientKinds).optional(),
  organisation: words.optional(),
  q: words.optional(),
  expiringBefore: instant.optional(),
  limit,
  after: recipientId.optional(),
})

/** A page of recipients; `next` is the `after` of the following one, null at the end. */
export async function listRecipients(context: ConsoleContext, request: Request) {
  const { limit: most, after, ...filter } = readQuery(request, recipientQuery)
  const page = { limit: most, ...(after === undefined ? {} : { after }) }
  const recipients = await context.enrolment.list(present(filter), page)
  return { recipients, next: recipients.length === most ? (recipients.at(-1)?.id ?? null) : null }
}

/** The newest proposal that is still open. Throws `state_conflict` when there is none. */
export async function openProposal(context: ConsoleContext, recipient: RecipientId): Promise<ProposalId> {
  const { proposals } = await context.enrolment.show(recipient)
  const open = proposals.find(({ state }) => state !== 'activated' && state !== 'dropped')
  if (open === undefined) throw new SealpostError('state_conflict')
  return open.id
}

/** What keeps an address from getting anything that is not about the recipient themselves. */
async function warningsFor(
  { knex }: Pick<ConsoleContext, 'knex'>,
  address: Address,
): Promise<readonly 'destination_missing'[]> {
  return (await lacksDestination(knex, address)) ? ['destination_missing'] : []
}

export function routeRecipientsApi(api: Router, context: ConsoleContext): void {
  const { enrolment } = context

  api
    .route('/recipients')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await listRecipients(context, request))
    })
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const recipient = await enrolment.invite(operator, await readJson(request, invitationForm))
      const warnings = await warningsFor(context, recipient.address)
      response
        .status(201)
        .location(`/v1/recipients/${recipient.id}`)
        .json({ ...recipient, warnings })
    })
    .all(refuseMethod('GET, HEAD, POST'))

  api
    .route('/recipients/import')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      assertType(request, 'text/csv')
      const report = await enrolment.importCsv(operator, utf8(await readAll(request, mostOfCsv)))
      response.json({ ...report, withoutRule: await domainsWithoutRule(context.knex, 50) })
    })
    .all(refuseMethod('POST'))

  api
    .route('/recipients/:id')
    .get(async (request, response) => {
      await operatorBehind(context, request)
      response.json(await enrolment.show(recipientOf(request)))
    })
    .all(refuseMethod('GET, HEAD'))

  /** Does something to a recipient, then answers with how they are. */
  const change = <Form extends z.ZodType>(
    path: string,
    form: Form,
    task: (operator: Operator, recipient: RecipientId, form: z.infer<Form>) => Promise<unknown>,
  ): void => {
    api
      .route(`/recipients/:id/${path}`)
      .post(async (request, response) => {
        const operator = await operatorBehind(context, request)
        const recipient = recipientOf(request)
        const asked = await task(operator, recipient, await readJson(request, form))
        if (asked === undefined) response.json(await enrolment.show(recipient))
        else response.status(202).json(asked)
      })
      .all(refuseMethod('POST'))
  }

  change('suspend', suspensionForm, (operator, id, { reason }) => enrolment.suspend(operator, id, reason))
  change('reinstate', noForm, (operator, id) => enrolment.askReinstate(operator, id))
  change('unenrol', noForm, (operator, id) => enrolment.unenrol(operator, id))
  change('renew-link', noForm, (operator, id) => enrolment.renewLink(operator, id))
  change('attestations', attestationsForm, (operator, id, { attestations }) =>
    enrolment.askAttest(operator, id, attestations),
  )
  change('proposal/verify', verificationForm, async (operator, id, { means }) =>
    enrolment.verifyFingerprint(operator, await openProposal(context, id), means),
  )
  change('proposal/reject', noForm, async (operator, id) =>
    enrolment.reject(operator, await openProposal(context, id)),
  )
}

export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new SealpostError('invalid_request', { errors: [{ pointer: '', code: 'not_utf8' }] })
  }
}
