import type { Address, ApplicationId, DeliveryId, MessageId } from '../kernel/index.ts'
import { type Place, writeCursor } from './cursor.ts'

export type UpdateType =
  | 'delivery.deferred'
  | 'delivery.quarantined'
  | 'delivery.released'
  | 'delivery.delivered'
  | 'delivery.failed'

/** One change of a delivery. */
export interface Update {
  readonly place: Place
  readonly type: UpdateType
  readonly at: Date
  readonly application: ApplicationId
  readonly message: MessageId
  readonly reference: string | null
  /** Of the whole message, at the time of reading. */
  readonly state: 'queued' | 'delivered' | 'failed' | 'partly_delivered'
  readonly delivery: DeliveryId
  readonly recipient: Address
  readonly outcome: string | null
}

const states = {
  'delivery.deferred': 'queued',
  'delivery.quarantined': 'quarantined',
  'delivery.released': 'queued',
  'delivery.delivered': 'delivered',
  'delivery.failed': 'failed',
} as const satisfies Record<UpdateType, string>

/** What an application is told, by stream and by webhook alike. */
export interface Told {
  readonly type: UpdateType
  readonly timestamp: string
  readonly data: {
    readonly message: MessageId
    readonly reference?: string
    readonly state: Update['state']
    readonly delivery: {
      readonly id: DeliveryId
      readonly recipient: Address
      readonly state: (typeof states)[UpdateType]
      readonly outcome?: string
    }
  }
}

export function tellUpdate(update: Update): Told {
  const { type, at, message, reference, state, delivery: id, recipient, outcome } = update
  return {
    type,
    timestamp: at.toISOString(),
    data: {
      message,
      ...(reference === null ? {} : { reference }),
      state,
      delivery: { id, recipient, state: states[type], ...(outcome === null ? {} : { outcome }) },
    },
  }
}

/** As an event of a stream (WHATWG HTML section 9.2). JSON has no line breaks, so none can end the event early. */
export function writeEvent(update: Update): string {
  return `id: ${writeCursor(update.place)}\nevent: ${update.type}\ndata: ${JSON.stringify(tellUpdate(update))}\n\n`
}
