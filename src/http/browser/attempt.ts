import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { peerKey, type Rate } from './rate.ts'

/** What anybody may try, and how often. */
export interface Bounds {
  /** Wrong links and codes, per peer. */
  readonly failures: Rate
  /** What costs us work, per secret. */
  readonly efforts: Rate
}

/**
 * Does what a secret from outside entitles to, within bounds: nobody may be wrong often, and no secret may cause work
 * without end. Throws `too_many_requests`, and what `task` throws.
 */
export async function attempt<Result>(
  { failures, efforts }: Bounds,
  request: Request,
  secret: string | undefined,
  task: () => Promise<Result>,
): Promise<Result> {
  const peer = peerKey(request.socket.remoteAddress)
  failures.check(peer)
  if (secret !== undefined) efforts.take(createHash('sha256').update(secret).digest('base64'))
  try {
    return await task()
  } catch (error) {
    if (error instanceof SealpostError && isWrongSecret(error)) failures.take(peer)
    throw error
  }
}

function isWrongSecret({ code }: SealpostError): boolean {
  return code === 'link_invalid' || code === 'possession_not_proved'
}
