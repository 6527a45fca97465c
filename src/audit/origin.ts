import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Where what caused an event came from: by which listener, from which IP address. `host`: somebody with the command line
 * of the host. What nothing outside asked for, such as an attempt to deliver, has none.
 */
export interface Origin {
  readonly listener: 'api' | 'console' | 'public' | 'ops' | 'host'
  readonly address?: string
}

const storage = new AsyncLocalStorage<Origin | undefined>()

/** Runs it, and whatever it starts, as caused from there; undefined: by nothing outside. */
export function withOrigin<Result>(origin: Origin | undefined, run: () => Result): Result {
  return storage.run(origin, run)
}

/** The origin of what runs now. Work that is shared by several requests carries it by itself: see {@link AuditEntry.from}. */
export function currentOrigin(): Origin | undefined {
  return storage.getStore()
}
