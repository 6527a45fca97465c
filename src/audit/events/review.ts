import type {
  ApplicationId,
  ChangeRequestId,
  DeliveryId,
  EventId,
  MessageId,
  OperatorId,
  RecipientId,
} from '../../kernel/index.ts'

/** What somebody searched by. Times as ISO 8601 in UTC, `until` not included. */
export interface SearchedBy {
  readonly from?: string
  readonly until?: string
  readonly type?: string
  readonly result?: 'success' | 'failure'
  readonly by?: string
  readonly state?: string
  readonly recipient?: RecipientId
  readonly application?: ApplicationId
  readonly operator?: OperatorId
  readonly message?: MessageId
  readonly delivery?: DeliveryId
  readonly change?: ChangeRequestId
  readonly id?: string
  readonly key?: string
  readonly domain?: string
  readonly outcome?: string
  readonly code?: string
  readonly address?: string
}

/** What auditors read of the log and of deliveries. Each is recorded before the answer leaves. */
export type ReviewEvent =
  | {
      /** A page of a search in the log, or of one in the deliveries. */
      readonly type: 'audit.read' | 'deliveries.read'
      readonly filters: SearchedBy
      /** How many were on the page. */
      readonly count: number
    }
  | {
      /** One event, with its proof. */
      readonly type: 'audit.event.read'
      readonly event: EventId
    }
  | {
      /** The newest checkpoint. */
      readonly type: 'audit.checkpoint.read'
      readonly size: number
    }
  | {
      /** One delivery, with its attempts. */
      readonly type: 'delivery.read'
      readonly delivery: DeliveryId
    }
  | {
      /** All that a search finds in the log, or in the deliveries, is about to leave as a file. */
      readonly type: 'audit.search.exported' | 'deliveries.search.exported'
      readonly as: 'csv' | 'jsonl'
      readonly filters: SearchedBy
      /** How many leaves the log had: what came later is not in the file. */
      readonly size: number
    }
  | {
      /** That file ended, or the client went away, or this replica stopped. */
      readonly type: 'search.export.ended'
      /** How many events or deliveries left. */
      readonly count: number
      readonly complete: boolean
    }
