import type { Knex } from 'knex'
import { type Address, type ProposalId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { RevocationReason } from '../life/revoke.ts'
import type { CertificateState } from '../life/standing.ts'
import { findRecord, findRecords } from './store.ts'

/** A certificate that was activated at some time, without its bytes. */
export interface CertificateRecord {
  /** Upper-case hex, as is the subkey's. */
  readonly fingerprint: string
  readonly recipient: RecipientId
  readonly address: Address
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly state: CertificateState
  readonly acceptedAt: Date
  /** Null when it has no end. */
  readonly expiresAt: Date | null
  readonly retiredAt: Date | null
  readonly finishUntil: Date | null
  readonly revokedAt: Date | null
  readonly revokedFor: RevocationReason | null
  readonly refreshedAt: Date | null
  readonly proposal: ProposalId | null
}

export interface CertificateFilter {
  readonly state?: CertificateState
  readonly recipient?: RecipientId
  readonly expiresBefore?: Date
}

export interface Page {
  /** 1 to 200. */
  readonly limit: number
  /** The fingerprint that the page before ended with. */
  readonly after?: string
}

/** By fingerprint, at most `limit` of those behind `after`. */
export function listCertificates(
  knex: Knex,
  filter: CertificateFilter,
  { limit, after = '' }: Page,
): Promise<readonly CertificateRecord[]> {
  return findRecords(knex, filter, Math.min(Math.max(limit, 1), 200), after)
}

/** Throws `not_found`. */
export async function findCertificate(
  knex: Knex | Knex.Transaction,
  fingerprint: string,
): Promise<CertificateRecord> {
  const record = await findRecord(knex, fingerprint)
  if (record === undefined) throw new SealpostError('not_found')
  return record
}
