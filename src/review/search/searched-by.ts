import type { AuditEvent } from '../../audit/index.ts'
import type { DeliveryFilter, EventFilter } from './filter.ts'

type SearchedBy = Extract<AuditEvent, { filters: object }>['filters']

/** A filter as the log keeps it. */
export function searchedBy(filter: EventFilter & DeliveryFilter): SearchedBy {
  const { from, until, ...others } = filter
  return Object.fromEntries(
    Object.entries({ ...others, from: from?.toISOString(), until: until?.toISOString() }).filter(
      ([, value]) => value !== undefined,
    ),
  )
}
