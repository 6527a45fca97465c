export {
  type DeliveryPage,
  type DeliveryPlace,
  type DeliveryPoint,
  type FoundDelivery,
  searchDeliveries,
} from './deliveries.ts'
export { type EventPage, type EventPlace, searchEvents } from './events.ts'
export { type ExportFormat, exportDeliveries, exportEvents, exportFormats } from './export.ts'
export { actorKinds, type DeliveryFilter, deliveryStates, type EventFilter } from './filter.ts'
export {
  type EventProof,
  type LogStand,
  type ReadEvent,
  type Reader,
  readCheckpoint,
  readDeliveries,
  readDelivery,
  readEvent,
  readEvents,
} from './read.ts'
export { aboutOf, actorOf, fieldsOf } from './show.ts'
