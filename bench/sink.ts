import { fork } from 'node:child_process'
import { once } from 'node:events'
import { startMailServer } from '../src/demo/index.ts'
import type { Identity } from '../src/platform/pki/index.ts'

/** A mail server in a process of its own, so that it competes with what is measured only for the processors. */
export interface Sink {
  readonly port: number
  /** Resolves when this many mails have come since the last call. */
  received(count: number): Promise<void>
  stop(): void
}

type FromSink = { readonly port: number } | { readonly received: number }

export async function startSink(identity: Identity): Promise<Sink> {
  const child = fork(import.meta.filename, ['sink'])
  const ready = once(child, 'message') as Promise<[{ port: number }]>
  child.send(identity)
  const [{ port }] = await ready
  let count = 0
  let wake = (): void => undefined
  child.on('message', (message: FromSink) => {
    if ('received' in message) count += message.received
    wake()
  })
  return {
    port,
    async received(wanted) {
      while (count < wanted) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      count -= wanted
    },
    stop: () => child.kill(),
  }
}

if (process.argv[2] === 'sink') {
  process.once('message', (identity: Identity) => {
    let waiting = 0
    const tell = (): void => {
      process.send?.({ received: waiting })
      waiting = 0
    }
    void startMailServer(identity, () => {
      if (waiting++ === 0) setTimeout(tell, 5)
    }).then(server => process.send?.({ port: server.port }))
  })
}
