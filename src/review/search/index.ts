export {
  type DeliveryPage,
  type DeliveryPlace,
  type DeliveryPoint,
  type FoundDelivery,
  searchDeliveries,
} from './deliveries.ts'
export { type EventPage, type EventPlace, searchEvents } from './events.ts'
export { actorKinds, type DeliveryFilter, deliveryStates, type EventFilter } from './filter.ts'
