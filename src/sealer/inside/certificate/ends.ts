import type { CertificatePolicy, ExpiryReason } from '../../protocol.ts'
import type { KeyPacket } from './key-packet.ts'
import { isPast } from './self-signature.ts'

/** When something stops being good, and the reason that there is from then on. */
export interface End {
  readonly at: Date
  readonly reason: ExpiryReason
}

const day = 86_400_000

export function endAt(at: Date | undefined, reason: ExpiryReason): readonly End[] {
  return at === undefined ? [] : [{ at, reason }]
}

/** When the policy no longer lets this subkey be used, because of its age or its kind. */
export function policyEnds(key: KeyPacket, policy: CertificatePolicy): readonly End[] {
  return [
    { at: new Date(key.created.getTime() + policy.encryptionDays * day), reason: 'cryptoperiod_over' },
    ...algorithmEnds(key, policy),
  ]
}

export function algorithmEnds({ algorithm }: KeyPacket, policy: CertificatePolicy): readonly End[] {
  const { algorithms } = policy.sunsets
  return endAt(
    Object.hasOwn(algorithms, algorithm) ? sunset(algorithms[algorithm]) : undefined,
    'algorithm_legacy_over',
  )
}

export function formatEnds(format: 'seipdv1' | 'seipdv2', policy: CertificatePolicy): readonly End[] {
  return endAt(sunset(policy.sunsets.formats[format]), 'format_legacy_over')
}

export function firstEnd(ends: readonly End[]): End | undefined {
  return ends.toSorted((a, b) => a.at.getTime() - b.at.getTime())[0]
}

export function pastReasons(ends: readonly End[], at: Date): readonly ExpiryReason[] {
  return ends.filter(end => isPast(end.at, at)).map(({ reason }) => reason)
}

function sunset(dayOfEnd: string | undefined): Date | undefined {
  return dayOfEnd === undefined ? undefined : new Date(dayOfEnd)
}
