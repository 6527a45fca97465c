import { isId, SealpostError } from '../../kernel/index.ts'
import type { Parts } from '../dependencies.ts'
import { isOpen } from '../enrolment.ts'
import type { Enrolment } from '../open-enrolment.ts'
import { proposalsOf } from '../proposal/store.ts'
import { missingAttestations } from '../standing/attestations.ts'
import { attestationsOf, certificatesOf, findRecipient } from '../standing/store.ts'
import { pageOfRecipients } from './store.ts'
import { showCertificate, showProposal, stepOf } from './view.ts'

const mostProposals = 20
const largestPage = 200

/** What operators see. */
export function openLooking({
  knex,
  clock,
}: Pick<Parts, 'knex' | 'clock'>): Pick<Enrolment, 'list' | 'show'> {
  return {
    list: (filter, { limit, after }) => {
      const bounded = Math.min(Math.max(Math.trunc(limit), 1), largestPage)
      return pageOfRecipients(knex, filter, { limit: bounded, ...(after === undefined ? {} : { after }) })
    },

    async show(id) {
      const recipient = isId('rcp', id) ? await findRecipient(knex, id) : undefined
      if (recipient === undefined) throw new SealpostError('not_found')
      const [proposals, certificates, attestations] = await Promise.all([
        proposalsOf(knex, id, mostProposals),
        certificatesOf(knex, id),
        attestationsOf(knex, id),
      ])
      const open = proposals.find(({ state }) => isOpen(state))
      const hasActive = certificates.some(({ state }) => state === 'active')
      return {
        ...recipient,
        step: stepOf(recipient.state, open, hasActive),
        proposals: proposals.map(showProposal),
        certificates: certificates.map(showCertificate),
        attestations,
        missing: missingAttestations(recipient.kind, attestations, clock.now()),
      }
    },
  }
}
