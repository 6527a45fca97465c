import { randomInt } from 'node:crypto'
import { lookup as resolve } from 'node:dns/promises'
import { type Courier, type CourierOptions, startCourier } from './courier/courier.ts'
import { standardPolicy } from './courier/policy.ts'
import { type NoticeCourierOptions, standardNoticePolicy, startNoticeCourier } from './notice/courier.ts'

export type { Courier } from './courier/courier.ts'
export type { SendingPolicy } from './courier/last-check.ts'
export { type CourierPolicy, standardPolicy } from './courier/policy.ts'
export { type DestinationRule, parseDestinationRule } from './destination.ts'
export { destinationsOf, listDestinations, setDestination } from './destinations.ts'
export {
  type AcceptedDeliveries,
  type EnqueuedDelivery,
  enqueueDeliveries,
  type NewDelivery,
  type Queue,
} from './enqueue.ts'
export type { NoticePolicy } from './notice/courier.ts'
export type { Outcome } from './outcome.ts'
export { type AttemptStatus, type DeliveryStatus, deliveriesOf } from './status.ts'
export { stopDeliveries } from './stop.ts'

/** What DNS, chance and numbers are outside tests. */
type Surroundings = 'lookup' | 'policy' | 'random'

/** Starts a courier with the standard policy and the system's resolver, unless told otherwise. */
export function openCourier(
  options: Omit<CourierOptions, Surroundings> & Partial<Pick<CourierOptions, Surroundings>>,
): Courier {
  return startCourier({ lookup: lookupHost, policy: standardPolicy, random: chance, ...options })
}

/** Starts a courier of notices with the standard policy and the system's resolver, unless told otherwise. */
export function openNoticeCourier(
  options: Omit<NoticeCourierOptions, Surroundings> & Partial<Pick<NoticeCourierOptions, Surroundings>>,
): Courier {
  return startNoticeCourier({ lookup: lookupHost, policy: standardNoticePolicy, random: chance, ...options })
}

function chance(): number {
  return randomInt(2 ** 32) / 2 ** 32
}

async function lookupHost(host: string): Promise<readonly string[]> {
  const found = await resolve(host, { all: true })
  return found.map(({ address }) => address)
}
