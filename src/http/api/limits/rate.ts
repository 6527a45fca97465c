import type { RequestHandler } from 'express'
import type { Application } from '../../../access/index.ts'
import { SealpostError } from '../../../kernel/index.ts'
import type { Clients } from '../clients.ts'

/** What is left of an application's share, as the draft names it. */
interface Standing {
  readonly quota: number
  /** Requests that could be made now. */
  readonly left: number
  /** Seconds until the whole quota is there again. */
  readonly reset: number
}

interface ApplicationRates {
  /** Counts one request of this kind. Throws `too_many_requests` with the seconds until there is one again. */
  take(application: Pick<Application, 'id' | 'ratePerMinute'>, kind: Kind): Standing
}

/** What is submitted is counted apart from what is read, of which there may be ten times as much. */
type Kind = 'messages' | 'reads'
const readsPerMessage = 10

const minute = 60_000

/**
 * How much each application asks of this replica: as many requests a minute as its rate says, up to a minute's worth at once. Kept in
 * memory, by application, of which there are as many as operators registered. `elapsed` gives milliseconds that never go back.
 */
export function openApplicationRates(elapsed: () => number = () => performance.now()): ApplicationRates {
  const used = new Map<string, { spent: number; at: number }>()
  return {
    take({ id, ratePerMinute }, kind) {
      const quota = kind === 'reads' ? ratePerMinute * readsPerMessage : ratePerMinute
      const key = `${kind} ${id}`
      const at = elapsed()
      // What is spent, not what is left: a rate that is changed holds at once.
      const { spent: before, at: then } = used.get(key) ?? { spent: 0, at }
      const spent = Math.min(quota, Math.max(0, before - ((at - then) * quota) / minute)) + 1
      if (spent > quota) {
        const wait = ((spent - quota) * minute) / quota
        throw new SealpostError('too_many_requests', { retryAfterSeconds: Math.ceil(wait / 1000) })
      }
      used.set(key, { spent, at })
      return { quota, left: Math.floor(quota - spent), reset: Math.ceil((spent * minute) / quota / 1000) }
    },
  }
}

/**
 * Counts a request before anything is read of its body, and says what is left (draft-ietf-httpapi-ratelimit-headers-10).
 * Throws `too_many_requests`, `application_unknown`.
 */
export function limitRate(
  clients: Clients,
  rates: ApplicationRates = openApplicationRates(),
): RequestHandler {
  return async (request, response, next) => {
    const application = await clients.applicationOf(request)
    const kind = request.method === 'GET' || request.method === 'HEAD' ? 'reads' : 'messages'
    const { quota, left, reset } = rates.take(application, kind)
    response.set({
      'RateLimit-Policy': `"${kind}";q=${quota};w=60`,
      RateLimit: `"${kind}";r=${left};t=${reset}`,
    })
    next()
  }
}
