import type { Knex } from 'knex'
import { type Address, type ProposalId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { RevocationReason } from '../life/revoke.ts'
import type { CertificateState } from '../life/standing.ts'
import type { CertificateName } from '../life/store.ts'
import { findRecords, recordsOf } from './store.ts'

/** An encryption subkey under a primary key that was activated at some time, without the certificate's bytes. */
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
  /** What the page before ended with. */
  readonly after?: CertificateName
}

/** By fingerprint, then by subkey; at most `limit` of those behind `after`. */
export function listCertificates(
  knex: Knex,
  filter: CertificateFilter,
  { limit, after = { fingerprint: '', encryptionSubkey: '' } }: Page,
): Promise<readonly CertificateRecord[]> {
  return findRecords(knex, filter, Math.min(Math.max(limit, 1), 200), after)
}

/** The certificate that is known by a primary key, and what was enrolled under that key over the years. */
export interface CertificateDetails extends CertificateRecord {
  /** This one and the others under its primary key: the active one first, then the newest. */
  readonly subkeys: readonly CertificateRecord[]
}

/** The active certificate under this primary key, else the newest. Throws `not_found`. */
export async function findCertificate(
  knex: Knex | Knex.Transaction,
  fingerprint: string,
): Promise<CertificateDetails> {
  const subkeys = await recordsOf(knex, fingerprint)
  if (subkeys[0] === undefined) throw new SealpostError('not_found')
  return { ...subkeys[0], subkeys }
}
