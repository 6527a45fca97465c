import type { Response } from 'express'
import { type ApplicationId, SealpostError } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'

/** One open answer that goes on for as long as both sides like. */
export interface Stream {
  /** Whether the client has taken what it was sent. */
  ready(): boolean
  send(text: string): void
  /** Runs once, when it is over, however it ends. */
  onClose(task: () => void): void
}

export interface Streams {
  /**
   * Begins a stream of events (WHATWG HTML section 9.2). Throws `too_many_requests` when the application has as many as it may.
   * `standing` rejects when the application may hear nothing any more.
   */
  open(application: ApplicationId, response: Response, standing: () => Promise<unknown>): Stream
}

interface Open {
  readonly application: ApplicationId
  readonly response: Response
  readonly standing: () => Promise<unknown>
  /** Beats since it took something. */
  stuck: number
}

/** As many streams an application may have at one replica. */
const perApplication = 50
/** A client that has taken nothing for that many beats is cut. */
const patience = 2

/** The streams of one replica, until it stops. `beat`: milliseconds between two signs of life. */
export function openStreams({
  log,
  stopping,
  beat = 15_000,
}: {
  readonly log: Logger
  readonly stopping: AbortSignal
  readonly beat?: number
}): Streams {
  const open = new Set<Open>()
  let timer: NodeJS.Timeout | undefined

  const tend = (stream: Open): void => {
    const { response, standing, application } = stream
    stream.stuck = response.writableNeedDrain ? stream.stuck + 1 : 0
    if (stream.stuck >= patience) {
      // What it has not taken is all that is kept for it.
      log.warn('stream-cut', { application })
      response.destroy()
      return
    }
    if (stream.stuck === 0) response.write(':\n\n')
    standing().catch((error: unknown) => {
      if (error instanceof SealpostError && !error.temporary) response.end()
    })
  }

  stopping.addEventListener('abort', () => {
    for (const { response } of open) response.end()
  })

  return {
    open(application, response, standing) {
      const held = [...open].filter(stream => stream.application === application).length
      if (held >= perApplication) throw new SealpostError('too_many_requests', { retryAfterSeconds: 30 })
      const stream: Open = { application, response, standing, stuck: 0 }
      open.add(stream)
      timer ??= setInterval(() => {
        for (const each of open) tend(each)
      }, beat).unref()
      response.once('close', () => {
        open.delete(stream)
        if (open.size > 0) return
        clearInterval(timer)
        timer = undefined
      })
      response.on('error', () => undefined)
      response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
      response.write('retry: 2000\n\n')
      return {
        ready: () => !response.writableNeedDrain,
        send: text => void response.write(text),
        onClose: task => void response.once('close', task),
      }
    },
  }
}
