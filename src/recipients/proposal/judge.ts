import { SealpostError } from '../../kernel/index.ts'
import { assertNoSharedFactor } from '../../keys/index.ts'
import { certificatePolicy, scheduledPolicies } from '../../policy/index.ts'
import type { CertificateReason, CertificateVerdict, Format } from '../../sealer/host/index.ts'
import type { Parts } from '../dependencies.ts'
import type { Recipient } from '../recipient.ts'
import type { ActiveCertificate } from '../standing/store.ts'
import { binaryOf } from './binary.ts'

/** What is kept of a certificate that was accepted. */
export interface Accepted {
  readonly bytes: Uint8Array
  readonly fingerprint: string
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  readonly rsaModuli: readonly Uint8Array[]
  readonly expiresAt: Date | null
  /** Whether the active certificate certified it. */
  readonly certified: boolean
}

export interface Judged {
  readonly verdict: CertificateVerdict
  readonly fingerprint: string | null
  /** Undefined: rejected. */
  readonly accepted: Accepted | undefined
  /** From when a policy that is scheduled will refuse it. */
  readonly cutOff: { readonly at: Date; readonly reasons: readonly CertificateReason[] } | null
}

/**
 * The verdict on a file under the policy in force, and what the scheduled ones will say. Throws `sending_not_approved` when no
 * policy is in force, `sealer_unavailable` when the file was too much for the sandbox.
 */
export async function judge(
  { knex, clock, inspector, policy }: Parts,
  { id, address }: Recipient,
  file: Uint8Array,
  active: ActiveCertificate | undefined,
): Promise<Judged> {
  const at = clock.now()
  const inForce = certificatePolicy(await policy(knex))
  const bytes = binaryOf(file)
  const context = active === undefined ? {} : { certifier: active.bytes }
  const verdict = await inspector.inspect(bytes ?? file, address, at, inForce, context)
  const rejected = (reason: CertificateReason): Judged => {
    const no: CertificateVerdict = { ...verdict, verdict: 'reject', reasons: [reason] }
    return { verdict: no, fingerprint: verdict.fingerprint, accepted: undefined, cutOff: null }
  }
  const { fingerprint, encryptionSubkey, algorithm, format, expires } = verdict
  if (verdict.verdict === 'reject') return { verdict, fingerprint, accepted: undefined, cutOff: null }
  if (
    bytes === undefined ||
    fingerprint === null ||
    encryptionSubkey === null ||
    algorithm === null ||
    format === null
  ) {
    return rejected('malformed_packets')
  }
  if (await sharesFactor(knex, verdict.rsaModuli, id)) return rejected('rsa_shared_factor')

  const accepted: Accepted = {
    bytes,
    fingerprint,
    encryptionSubkey,
    algorithm,
    format,
    rsaModuli: verdict.rsaModuli.map(modulus =>
      Buffer.from(modulus.padStart(modulus.length + (modulus.length % 2), '0'), 'hex'),
    ),
    expiresAt: expires === null ? null : new Date(expires),
    certified: active !== undefined && verdict.certifiedByGiven,
  }
  for (const { record, policy: scheduled } of await scheduledPolicies(knex, at)) {
    const later = await inspector.inspect(
      bytes,
      address,
      record.effectiveAt,
      certificatePolicy(scheduled),
      // It is this subkey that will be in use then, whatever else the policy would choose.
      { pinned: encryptionSubkey },
    )
    if (later.verdict === 'reject') {
      return { verdict, fingerprint, accepted, cutOff: { at: record.effectiveAt, reasons: later.reasons } }
    }
  }
  return { verdict, fingerprint, accepted, cutOff: null }
}

async function sharesFactor(
  knex: Parts['knex'],
  moduli: readonly string[],
  recipient: Recipient['id'],
): Promise<boolean> {
  try {
    await assertNoSharedFactor(knex, moduli, recipient)
    return false
  } catch (error) {
    if (error instanceof SealpostError && error.code === 'certificate_refused') return true
    throw error
  }
}
