import { randomUUID } from 'node:crypto'
import { bodyOf, type OutgoingMessage } from './body.ts'
import { SealpostApiError } from './error.ts'
import { persist } from './retry.ts'
import type {
  AcceptedMessage,
  CheckReport,
  ListQuery,
  MessageList,
  MessageStatus,
  MessageSummary,
} from './types.ts'
import { follow, type PlacedUpdate, type UpdatesOptions } from './updates.ts'
import { type Asking, type Identity, openWire, parse, readAnswer } from './wire.ts'

export interface SealpostClientOptions extends Identity {
  /** `https://host:port` of the gateway's listener for applications. */
  readonly baseUrl: string | URL
  /** Milliseconds without a sign of life after which a request has failed. Default 60,000. */
  readonly timeout?: number | undefined
  /** How often what failed is tried again, where that cannot do it twice. Default 3. */
  readonly retries?: number | undefined
  /** Milliseconds before the first of these, doubled each time; the gateway's Retry-After counts, too. Default 500. */
  readonly retryDelay?: number | undefined
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
}

export interface SendOptions extends RequestOptions {
  /** Your own name for this message: to send it again under the same is safe for 7 days. Default: a new UUID. */
  readonly idempotencyKey?: string | undefined
}

export interface ListOptions extends Omit<ListQuery, 'since' | 'until'>, RequestOptions {
  readonly since?: string | Date | undefined
  readonly until?: string | Date | undefined
}

/** All methods reject with {@link SealpostApiError}, or with the reason of `signal`. */
export interface SealpostClient {
  /** Sends a message: once this resolves, it is durable, and is delivered or ends in a named failure. Never twice, however often it is tried. */
  send(message: OutgoingMessage, options?: SendOptions): Promise<AcceptedMessage>
  /** What would happen to a message now, and why not; its content may be missing. Nothing is stored. */
  check(message: OutgoingMessage, options?: RequestOptions): Promise<CheckReport>
  /** What became of a message. */
  get(id: string, options?: RequestOptions): Promise<MessageStatus>
  /** The messages of this application, newest first, page by page as you go. */
  list(options?: ListOptions): AsyncGenerator<MessageSummary, void, undefined>
  /** One page of them, and the cursor of the next. */
  page(options?: ListOptions): Promise<MessageList>
  /** Ends what still waits of a message. Rejects with `nothing_to_cancel` when that is nothing, and was nothing before. */
  cancel(id: string, options?: RequestOptions): Promise<MessageStatus>
  /** What becomes of deliveries, while it happens. */
  updates(options?: UpdatesOptions): AsyncGenerator<PlacedUpdate, void, undefined>
  /** What became of a message once every delivery is settled, which can take days: give a `signal`, or look later. */
  settled(id: string, options?: RequestOptions): Promise<MessageStatus>
  /** The file that proves what became of a message, as text. To be kept to the octet. */
  evidence(id: string, options?: RequestOptions): Promise<string>
  /** Closes idle connections and cuts the others. */
  close(): void
}

/** A client for one gateway. Connections are kept open; one client serves a whole process. */
export function createSealpostClient(options: SealpostClientOptions): SealpostClient {
  const { timeout = 60_000, retries = 3, retryDelay = 500, ...identity } = options
  const base = new URL(options.baseUrl)
  if (base.protocol !== 'https:') throw new TypeError('baseUrl must begin with https://')
  const wire = openWire(base, identity)

  const once = async (asking: Omit<Asking, 'timeout'>): Promise<string> =>
    readAnswer(await wire.ask({ timeout, ...asking }), asking.signal)
  // To do anything of this twice is the same as once: messages have their keys, a second cancellation finds the first.
  const request = (asking: Omit<Asking, 'timeout'>): Promise<string> =>
    persist(
      { retries, delay: retryDelay },
      () => once(asking),
      () => asking.body?.again() !== false,
      asking.signal,
    )
  const get = (path: string, signal?: AbortSignal): Promise<string> =>
    request({ method: 'GET', path, signal })
  const status: SealpostClient['get'] = async (id, { signal } = {}) => parse(await get(pathOf(id), signal))
  const page: SealpostClient['page'] = async ({ signal, ...query } = {}) =>
    parse(await get(`/v1/messages${queryOf(query)}`, signal))
  const updates: SealpostClient['updates'] = (given = {}) => {
    const path = given.message === undefined ? '/v1/updates' : pathOf(given.message, '/updates')
    return follow(wire.ask, path, given, retryDelay)
  }

  return {
    async send(message, { idempotencyKey = randomUUID(), signal } = {}) {
      try {
        const headers = { 'idempotency-key': `"${idempotencyKey}"` }
        const body = bodyOf(message)
        return parse(await request({ method: 'POST', path: '/v1/messages', headers, body, signal }))
      } catch (error) {
        if (error instanceof SealpostApiError) error.idempotencyKey = idempotencyKey
        throw error
      }
    },
    async check(message, { signal } = {}) {
      return parse(
        await request({ method: 'POST', path: '/v1/messages/check', body: bodyOf(message), signal }),
      )
    },
    get: status,
    async *list(given = {}) {
      let { cursor } = given
      do {
        const { messages, next } = await page({ ...given, cursor })
        yield* messages
        cursor = next
      } while (cursor !== undefined)
    },
    page,
    async cancel(id, { signal } = {}) {
      return parse(await request({ method: 'POST', path: pathOf(id, '/cancel'), signal }))
    },
    updates,
    async settled(id, { signal } = {}) {
      // All that is known of a message is told first, so nothing is missed between the two.
      for (let now = await status(id, { signal }); ; now = await status(id, { signal })) {
        if (now.state !== 'queued') return now
        for await (const { data } of updates({ message: id, signal })) if (data.state !== 'queued') break
      }
    },
    evidence: (id, { signal } = {}) => get(pathOf(id, '/evidence'), signal),
    close: () => wire.close(),
  }
}

/** What is not an id of a message stays here: paths end up in the logs of everything on the way. */
function pathOf(id: string, rest = ''): string {
  if (!/^msg_[0-9a-z]{1,64}$/.test(id)) throw new TypeError('This is not the id of a message.')
  return `/v1/messages/${id}${rest}`
}

function queryOf(query: Omit<ListOptions, 'signal'>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
