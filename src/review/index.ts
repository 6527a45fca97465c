export {
  actorKinds,
  type DeliveryFilter,
  type DeliveryPage,
  type DeliveryPlace,
  type DeliveryPoint,
  deliveryStates,
  type EventFilter,
  type EventPage,
  type EventPlace,
  type FoundDelivery,
  searchDeliveries,
  searchEvents,
} from './search/index.ts'
