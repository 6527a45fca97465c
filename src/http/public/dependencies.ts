import type { Knex } from 'knex'
import type { Address, Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { Enrolment } from '../../recipients/index.ts'
import type { Bounds } from '../browser/attempt.ts'
import type { Site } from '../page/layout.ts'
import type { Refusals } from '../refusals/open.ts'

/** A certificate that was found for an address outside; nothing is known of whose it is. */
export interface FoundCertificate {
  readonly source: 'wkd' | 'vks'
  readonly bytes: Uint8Array
}

export interface PublicDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly refusals: Refusals
  /** The origin that recipients reach this listener by. */
  readonly origin: string
  readonly organisation: string
  readonly enrolment: RecipientsPart
  /** Looks for certificates of an address outside; undefined when settings forbid it. */
  readonly find: ((address: Address) => Promise<readonly FoundCertificate[]>) | undefined
  readonly own: OwnCertificate
  /** Aborted once this replica is shutting down. */
  readonly stopping: AbortSignal
}

/** What our mails are signed with. */
interface OwnCertificate {
  readonly address: Address
  /** Undefined before there is one. */
  readonly certificate: () => Promise<
    { readonly fingerprint: string; readonly certificate: Uint8Array } | undefined
  >
}

/** What recipients can do by themselves. */
type RecipientsPart = Pick<
  Enrolment,
  'openLink' | 'recipientOf' | 'propose' | 'challengeAgain' | 'prove' | 'revokeByLink' | 'revokeByUpload'
>

/** What the routes of recipients share. */
export interface PublicContext
  extends Bounds,
    Pick<PublicDependencies, 'enrolment' | 'organisation' | 'find' | 'own'> {
  readonly site: Site
}
