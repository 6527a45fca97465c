import { setTimeout as sleep } from 'node:timers/promises'
import { waitAfter } from './retry.ts'
import type { Update } from './types.ts'
import { type Answer, type Ask, connectionError, parse, readAnswer } from './wire.ts'

/** An update and its place in the stream. */
export interface PlacedUpdate extends Update {
  /** Keep the last one you are done with: from there, `after` goes on. */
  readonly id: string
}

export interface UpdatesOptions {
  /** Those of one message only. Default: of all. */
  readonly message?: string | undefined
  /** The `id` of the last update that you know. Without it: of one message all, otherwise what happens from now on. */
  readonly after?: string | undefined
  /** Called when updates may have been missed: the connection was lost before the first, or `after` is too long ago. Look how things stand. */
  readonly onGap?: (() => void) | undefined
  /** Ends it: the iteration throws its reason. */
  readonly signal?: AbortSignal | undefined
}

// The gateway says something every 15 seconds.
const silence = 45_000

/**
 * What becomes of deliveries, while it happens, in order; goes on where it was when the connection is lost. Ends when you leave
 * the loop, or throws once nothing can be heard any more, when the application was revoked, say.
 */
export async function* follow(
  ask: Ask,
  path: string,
  { message, after, onGap, signal }: UpdatesOptions,
  delay: number,
): AsyncGenerator<PlacedUpdate, void, undefined> {
  let last = after
  let heard = false
  for (let failed = 0; ; failed += 1) {
    let answer: Answer | undefined
    try {
      answer = await ask({
        method: 'GET',
        path,
        accept: 'text/event-stream',
        headers: last === undefined ? {} : { 'last-event-id': last },
        signal,
        timeout: silence,
      })
      if (answer.statusCode !== 200) await readAnswer(answer, signal)
      if (heard && last === undefined && message === undefined) onGap?.()
      heard = true
      for await (const event of eventsOf(answer, signal)) {
        failed = 0
        if (event.id !== '') last = event.id
        if (event.type === 'reset') onGap?.()
        else if (event.data !== '') yield { ...(parse(event.data) as Update), id: event.id }
      }
    } catch (error) {
      if (waitAfter(error, { delay }, failed) === undefined) throw error
      await sleep(waitAfter(error, { delay }, failed), undefined, { signal })
      continue
    } finally {
      answer?.destroy()
    }
    // It ended as it should: the replica stops, or made room. Another one goes on.
    await sleep(delay, undefined, { signal })
  }
}

interface ServerSentEvent {
  readonly id: string
  readonly type: string
  readonly data: string
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, of which the gateway uses these. */
async function* eventsOf(answer: Answer, signal?: AbortSignal): AsyncGenerator<ServerSentEvent> {
  let event = { id: '', type: '', data: '' }
  for await (const line of linesOf(answer, signal)) {
    if (line === '') {
      yield event
      event = { id: event.id, type: '', data: '' }
      continue
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'data') event.data += event.data === '' ? value : `\n${value}`
    else if (field === 'event') event.type = value
    else if (field === 'id') event.id = value
  }
}

async function* linesOf(answer: Answer, signal?: AbortSignal): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const piece of answer.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + piece).split(/\r\n|\n/)
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    throw connectionError(error, signal)
  }
}
