import type { FromSealer, ToSealer } from '../protocol.ts'

/** The one way in and out of the process. Resolves when the gateway's end of the pipe took the message. */
export function say(message: FromSealer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) {
      reject(new Error('not a child process'))
      return
    }
    process.send(message, undefined, undefined, error => (error === null ? resolve() : reject(error)))
  })
}

/** Calls back for each message from the gateway, which is trusted to keep to the protocol: it made this process. */
export function listen(handle: (message: ToSealer) => void): void {
  process.on('message', message => handle(message as ToSealer))
}
