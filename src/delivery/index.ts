import { randomInt } from 'node:crypto'
import { type Courier, type CourierOptions, startCourier } from './courier/courier.ts'
import { standardPolicy } from './courier/policy.ts'
import { type NoticeCourierOptions, standardNoticePolicy, startNoticeCourier } from './notice/courier.ts'
import { explainRoute as explain, type RouteDependencies } from './route/find.ts'
import { openRouting as open, type Routing, type RoutingOptions } from './route/open.ts'
import type { RouteReport } from './route/report.ts'
import type { FindRoute } from './route/route.ts'

export { cancelDeliveries } from './cancel/cancel.ts'
export type { Courier } from './courier/courier.ts'
export type { PolicyAt, SendingPolicy } from './courier/last-check.ts'
export { type CourierPolicy, standardPolicy } from './courier/policy.ts'
export {
  asDestinationRule,
  type DestinationRule,
  destinationRule,
  parseDestinationRule,
} from './destination.ts'
export {
  type DestinationDetails,
  type DestinationSummary,
  destinationPage,
  destinationsOf,
  lacksDestination,
  listDestinations,
  showDestination,
} from './destinations/list.ts'
export {
  type DestinationSet,
  type DestinationWish,
  destinationChange,
  setFirstDestination,
  wishDestination,
} from './destinations/set.ts'
export { type DomainAttempt, domainsWithoutRule } from './destinations/store.ts'
export { describeRule, serversOf } from './destinations/words.ts'
export { type DkimKey, openDkim, type SignMail } from './dkim/sign.ts'
export {
  type AcceptedDeliveries,
  type EnqueuedDelivery,
  enqueueDeliveries,
  type NewDelivery,
  type Queue,
} from './enqueue.ts'
export type { NoticePolicy } from './notice/courier.ts'
export type { Outcome } from './outcome.ts'
export { probeFindings } from './probe/found.ts'
export { openProbe, type Probe } from './probe/open.ts'
export type { DestinationProbe } from './probe/probe.ts'
export { cancelDelivery, releaseDelivery } from './quarantine/decide.ts'
export { listQuarantined, type QuarantinedDelivery } from './quarantine/store.ts'
export type { RouteDependencies } from './route/find.ts'
export type { Routing, RoutingOptions } from './route/open.ts'
export type { Relay } from './route/relay.ts'
export type {
  DomainFindings,
  HostFinding,
  RouteReport,
  StsFinding,
  TlsaFinding,
} from './route/report.ts'
export type { Candidate, FindRoute, Proof, Route } from './route/route.ts'
export {
  type FetchPolicy,
  openStsFetch,
  type StsFetchFailure,
  type StsFetchOptions,
} from './route/sts/fetch.ts'
export type { HeldCredentials } from './smtp/credentials.ts'
export type { ProbedServer } from './smtp/probe.ts'
export {
  type AttemptStatus,
  type DeliveryStatus,
  type DeliverySummary,
  deliveriesOf,
  summariesOf,
} from './status/status.ts'
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

type RouteOptions = Omit<RouteDependencies, 'random'> & Partial<Pick<RouteDependencies, 'random'>>

/** The route to a domain as its rule, DNS and the policies of others say at the moment. */
export function openRoutes(options: RouteOptions): FindRoute {
  return async domain => (await explainRoute(options, domain)).route
}

/** The route to a domain (lower case) with everything found on the way. Rejects only when the database does. */
function explainRoute(options: RouteOptions, domain: string): Promise<RouteReport> {
  return explain({ random: chance, ...options }, domain)
}

/** Everything that finds the way of mail, as the settings say. Throws `config_invalid`. */
export function openRouting(options: Omit<RoutingOptions, 'random'>): Promise<Routing> {
  return open({ random: chance, ...options })
}

function chance(): number {
  return randomInt(2 ** 32) / 2 ** 32
}
