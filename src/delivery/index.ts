import { randomInt } from 'node:crypto'
import { type Courier, type CourierOptions, startCourier } from './courier/courier.ts'
import { standardPolicy } from './courier/policy.ts'
import { type NoticeCourierOptions, standardNoticePolicy, startNoticeCourier } from './notice/courier.ts'

export type { Courier } from './courier/courier.ts'
export type { SendingPolicy } from './courier/last-check.ts'
export { type CourierPolicy, standardPolicy } from './courier/policy.ts'
export { type DestinationRule, parseDestinationRule } from './destination.ts'
export { destinationsOf, listDestinations, setDestination } from './destinations/list.ts'
export {
  type DestinationSet,
  type DestinationWish,
  destinationChange,
  setFirstDestination,
  wishDestination,
} from './destinations/set.ts'
export {
  type AcceptedDeliveries,
  type EnqueuedDelivery,
  enqueueDeliveries,
  type NewDelivery,
  type Queue,
} from './enqueue.ts'
export type { NoticePolicy } from './notice/courier.ts'
export type { Outcome } from './outcome.ts'
export { openRoutes, type RouteDependencies } from './route/find.ts'
export type { Candidate, FindRoute, Proof, Route } from './route/route.ts'
export { type AttemptStatus, type DeliveryStatus, deliveriesOf } from './status.ts'
export { stopDeliveries } from './stop.ts'

/** What chance and numbers are outside tests. */
type Surroundings = 'policy' | 'random'

/** Starts a courier with the standard policy, unless told otherwise. */
export function openCourier(
  options: Omit<CourierOptions, Surroundings> & Partial<Pick<CourierOptions, Surroundings>>,
): Courier {
  return startCourier({ policy: standardPolicy, random: chance, ...options })
}

/** Starts a courier of notices with the standard policy, unless told otherwise. */
export function openNoticeCourier(
  options: Omit<NoticeCourierOptions, Surroundings> & Partial<Pick<NoticeCourierOptions, Surroundings>>,
): Courier {
  return startNoticeCourier({ policy: standardNoticePolicy, random: chance, ...options })
}

function chance(): number {
  return randomInt(2 ** 32) / 2 ** 32
}
