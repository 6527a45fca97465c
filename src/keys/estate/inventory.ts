import type { Knex } from 'knex'
import type { Format } from '../../sealer/host/index.ts'
import type { CertificateState } from '../life/standing.ts'
import { countEstate, findOwnKey } from './store.ts'

/** How far away the end of a certificate is. */
export type Ending = 'expired' | 'in_30_days' | 'in_90_days' | 'in_a_year' | 'later' | 'never'

export interface InventoryLine {
  /** For example `rsa4096`, `ecdh-curve25519`. */
  readonly algorithm: string
  readonly format: Format
  readonly state: CertificateState
  readonly ending: Ending
  readonly certificates: number
}

/** What cryptography is in use: the recipients' certificates, counted, and the gateway's own key. */
export interface Inventory {
  readonly at: Date
  readonly certificates: readonly InventoryLine[]
  /** Null before `custody init`. */
  readonly signingKey: {
    readonly fingerprint: string
    readonly algorithm: string
    readonly createdAt: Date
  } | null
}

// Version 4, so that everybody can verify; made by sealer/inside/openpgp/signing-key.ts.
const ownAlgorithm = 'eddsa-ed25519'

/** One statement per part, from the database alone. */
export async function inventoryOf(knex: Knex, at: Date): Promise<Inventory> {
  const [certificates, own] = await Promise.all([countEstate(knex, at), findOwnKey(knex)])
  return { at, certificates, signingKey: own === undefined ? null : { ...own, algorithm: ownAlgorithm } }
}
