import type { Knex } from 'knex'
import type { Address } from '../kernel/index.ts'
import type {
  CertificatePolicy,
  CertificateReason,
  CertificateVerdict,
  InspectionContext,
} from '../sealer/host/index.ts'
import { certificatePolicy, type Policy } from './load.ts'
import { type CertificateInUse, findInUse } from './store.ts'

/** A certificate in use that a policy does not allow, why, and from when. */
export interface PolicyRefusal {
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly address: Address
  readonly reasons: readonly CertificateReason[]
  readonly from: Date
}

export interface Assessment {
  readonly assessed: number
  readonly refused: readonly PolicyRefusal[]
}

/** As `Inspector.inspect` of `sealer/host`. */
export type Inspect = (
  bytes: Uint8Array,
  address: Address,
  at: Date,
  policy: CertificatePolicy,
  context?: InspectionContext,
) => Promise<CertificateVerdict>

/** These come by themselves, under any policy, and are looked at by their date. */
const ownEnds: readonly CertificateReason[] = ['primary_expired', 'subkey_expired', 'user_id_unverified']
const policyEnds: readonly (CertificateReason | null)[] = [
  'cryptoperiod_over',
  'format_legacy_over',
  'algorithm_legacy_over',
]

const pageSize = 64

/**
 * Whom `policy` cuts off: at once, when it takes effect at `period.from`, or at an end that it sets before
 * `period.until`. Certificates that simply expire by then are not its doing and are not named. Each is asked about with
 * its pinned subkey, as it stands in the database.
 */
export async function assess(
  policy: Policy,
  period: { readonly from: Date; readonly until: Date },
  certificates: AsyncIterable<CertificateInUse>,
  inspect: Inspect,
): Promise<Assessment> {
  const measure = certificatePolicy(policy)
  const refused: PolicyRefusal[] = []
  let assessed = 0
  for await (const { fingerprint, encryptionSubkey, bytes, address } of certificates) {
    const verdict = await inspect(bytes, address, period.from, measure, { pinned: encryptionSubkey })
    const refusal = refusalOf(verdict, period)
    if (refusal !== undefined) refused.push({ fingerprint, encryptionSubkey, address, ...refusal })
    assessed++
  }
  return { assessed, refused }
}

function refusalOf(
  { verdict, reasons, expires, expiresFor }: CertificateVerdict,
  { from, until }: { readonly from: Date; readonly until: Date },
): Pick<PolicyRefusal, 'reasons' | 'from'> | undefined {
  if (verdict === 'reject') {
    return reasons.every(reason => ownEnds.includes(reason)) ? undefined : { reasons, from }
  }
  if (expires === null || expiresFor === null || !policyEnds.includes(expiresFor)) return undefined
  const end = new Date(expires)
  return end < until ? { reasons: [expiresFor], from: end } : undefined
}

/** Every certificate that is encrypted to, or still sent for, at `at`; in pages, so that any number fits. */
export async function* certificatesInUse(knex: Knex, at: Date): AsyncGenerator<CertificateInUse> {
  let after = { fingerprint: '', encryptionSubkey: '' }
  for (;;) {
    const page = await findInUse(knex, at, after, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = last
  }
}
