import type { Socket } from 'node:net'
import { outcomeOfSocketError } from '../../outcome.ts'
import { SessionFailure } from '../failure.ts'

/** Until `socket` emits `event`. Rejects with a {@link SessionFailure} when it fails, closes or takes too long. */
export async function reached(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  phase: 'connect' | 'handshake',
  limit: number,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const failure = await new Promise<SessionFailure | undefined>(resolve => {
    timer = setTimeout(resolve, limit, new SessionFailure('timeout'))
    socket.once(event, () => resolve(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(new SessionFailure(outcomeOfSocketError(error.code, phase), { cause: error })),
    )
    socket.once('close', () => resolve(new SessionFailure(outcomeOfSocketError(undefined, phase))))
  })
  clearTimeout(timer)
  if (failure !== undefined) throw failure
}
