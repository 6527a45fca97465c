import { setTimeout as sleep } from 'node:timers/promises'
import type { RefreshOutcome } from '../../keys/index.ts'
import type { Logger } from '../../platform/index.ts'
import { lifecycleOf, policyStanding } from '../../policy/index.ts'
import { type EnrolmentDependencies, type Parts, partsOf } from '../dependencies.ts'
import { openActivating } from '../proposal/activate.ts'
import { dropStale, expireChanges, forgetLinks, suspendLapsed } from './lapse.ts'
import { assessNew, tellCutOff, tellOfPolicies } from './policies.ts'
import { refreshStale } from './refresh.ts'
import { type Reminding, remindOfAttestations, remindOfCertificates } from './remind.ts'

export interface UpkeepDependencies extends EnrolmentDependencies {
  readonly log: Logger
  /** `refresh` of `keys`. Undefined: no directory is asked. */
  readonly refresh: ((fingerprint: string) => Promise<RefreshOutcome>) | undefined
}

/** The dependencies, and what is made of them once. */
export interface UpkeepParts extends Parts {
  readonly log: Logger
}

const never = new AbortController().signal

/** While no policy is in force, people are told at these distances. */
const otherwise: Reminding = { remindDays: [90, 30, 7, 1], invitationDays: 14 }

const steps = {
  expireChanges,
  suspendLapsed,
  dropStale,
  activateDue: parts => openActivating(parts).activateDue(parts.clock.now()),
  assessNew,
  tellCutOff,
  tellOfPolicies,
  remindOfCertificates,
  remindOfAttestations,
  forgetLinks,
} as const satisfies Record<string, (parts: UpkeepParts, rules: Reminding) => Promise<number>>

/** What was done, by step: how many, or that it failed. A step that was not come to, because it was to stop, is absent. */
export type UpkeepReport = { readonly [Step in keyof typeof steps]?: number | 'failed' }

/**
 * Everything that is due by the clock: reminders, suspension of who lapsed, the end of what nobody took further, activation
 * after the cooling-off, policies. Each step commits with what it tells; one that fails is logged and hinders no other.
 * Any number of replicas may do this at once: each thing is done by one of them.
 */
export async function runUpkeep(
  dependencies: Omit<UpkeepDependencies, 'refresh'>,
  signal: AbortSignal = never,
): Promise<UpkeepReport> {
  const { knex, clock, log } = dependencies
  const parts: UpkeepParts = { ...partsOf(dependencies), log }
  const report: { [step: string]: number | 'failed' } = {}
  const standing = await policyStanding(knex, clock.now())
  if (standing.state !== 'in_force') log.warn('policy-not-in-force', { reason: standing.state })
  const rules = standing.state === 'in_force' ? lifecycleOf(standing.policy) : otherwise
  for (const [step, act] of Object.entries(steps)) {
    if (signal.aborted) break
    try {
      report[step] = await act(parts, rules)
    } catch (error) {
      log.error('upkeep-step-failed', error, { reason: step })
      report[step] = 'failed'
    }
  }
  return report
}

/** Looks for newer copies of the certificates whose turn it is; gives of how many. Takes as long as the network does. */
export function runRefresh(
  { refresh, ...dependencies }: UpkeepDependencies,
  signal: AbortSignal = never,
): Promise<number> {
  if (refresh === undefined) return Promise.resolve(0)
  return refreshStale({ ...partsOf(dependencies), log: dependencies.log }, refresh, signal)
}

export interface Upkeep {
  /** Ends after what is under way, at most after `deadline` milliseconds. */
  stop(deadline: number): Promise<void>
}

/** Does both again and again, the refresh beside the rest, so that a slow directory delays nothing else. In milliseconds. */
export function openUpkeep(
  dependencies: UpkeepDependencies,
  intervals: { readonly upkeep: number; readonly refresh: number } = { upkeep: 60_000, refresh: 300_000 },
): Upkeep {
  const stopping = new AbortController()
  const { signal } = stopping
  const repeat = async (act: () => Promise<unknown>, interval: number): Promise<void> => {
    while (!signal.aborted) {
      await act().catch((error: unknown) => dependencies.log.error('upkeep-failed', error))
      await sleep(interval, undefined, { signal }).catch(() => undefined)
    }
  }
  const running = Promise.all([
    repeat(() => runUpkeep(dependencies, signal), intervals.upkeep),
    repeat(() => runRefresh(dependencies, signal), intervals.refresh),
  ])
  return {
    async stop(deadline) {
      stopping.abort()
      await Promise.race([running, sleep(deadline, undefined, { ref: false })])
    },
  }
}
