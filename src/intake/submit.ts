import type { Knex } from 'knex'
import type { Application } from '../access/index.ts'
import type { Queue } from '../delivery/index.ts'
import {
  type Address,
  type Clock,
  type DeliveryId,
  type MessageId,
  newId,
  type Plaintext,
} from '../kernel/index.ts'
import { isUniqueViolation } from '../platform/index.ts'
import type { BodyForm, SealerPool } from '../sealer/host/index.ts'
import { openAcceptance } from './accept.ts'
import { answeredBefore, exclusively, type InFlight } from './idempotency.ts'
import { judgeCards } from './judge-cards.ts'
import { openResolution } from './resolve-recipients.ts'

export interface IntakeDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly queue: Queue
  readonly sealer: Pick<SealerPool, 'seal'>
  readonly mailHost: string
}

export interface AcceptedMessage {
  readonly id: MessageId
  readonly deliveries: readonly { readonly id: DeliveryId; readonly recipient: Address }[]
}

/**
 * Accepts one message: seals it for every recipient, then commits it. When this resolves, the message is durable; when
 * it rejects, nothing of it is kept. A request with a `key` that was answered before is not accepted again: it gets the same answer.
 * Throws what the sealer, `judgeCards`, `openResolution` and `openAcceptance` throw; `idempotency_in_flight`, `idempotency_key_reused`.
 */
export type Submit = (
  application: Application,
  body: AsyncIterable<Plaintext>,
  request: SubmitRequest,
) => Promise<AcceptedMessage>

export interface SubmitRequest {
  /** What the application calls this request, so that it can repeat it. */
  readonly key?: string | undefined
  readonly form: BodyForm
  /** Told for how many recipients it will be sealed, before it is; throws what stops that. */
  readonly weigh?: (recipients: number) => void
}

/** Ends the sealing of a message that was accepted before. */
class Repeated extends Error {
  readonly answer: AcceptedMessage

  constructor(answer: AcceptedMessage) {
    super('repeated')
    this.answer = answer
  }
}

export function openIntake({ knex, clock, queue, sealer, mailHost }: IntakeDependencies): Submit {
  const resolve = openResolution(knex, clock, mailHost)
  const accept = openAcceptance(knex, clock, queue)
  const inFlight: InFlight = new Set()

  const take = async (
    application: Application,
    body: AsyncIterable<Plaintext>,
    { key, form, weigh }: SubmitRequest,
  ): Promise<AcceptedMessage> => {
    const { metadata, sealed } = await sealer.seal(body, form, async found => {
      const answer = key && (await answeredBefore(knex, application.id, key, found.fingerprint))
      if (answer) throw new Repeated(answer)
      judgeCards(application, found.cards)
      weigh?.(found.to.length)
      return resolve(application, found)
    })
    const { from, reference, expiresAt, fingerprint, cards } = metadata
    const id = newId('msg', clock)
    const deliveries = sealed.map(({ target: { recipient, outer, giveUpHours }, ciphertext }) => ({
      id: newId('dlv', clock),
      recipient,
      outer,
      ciphertext,
      giveUpHours,
    }))
    try {
      await accept({
        id,
        application: application.id,
        from,
        reference,
        acceptedAt: clock.now(),
        expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
        request: key === undefined ? undefined : { key, fingerprint },
        cards: { count: cards.count, brands: cards.brands },
        policy: sealed[0]?.target.policy,
        deliveries,
      })
    } catch (error) {
      // Another replica was faster.
      const answer =
        key !== undefined && isUniqueViolation(error)
          ? await answeredBefore(knex, application.id, key, fingerprint)
          : undefined
      if (answer === undefined) throw error
      return answer
    }
    return { id, deliveries: deliveries.map(delivery => ({ id: delivery.id, recipient: delivery.outer.to })) }
  }

  return async (application, body, request) => {
    const { key } = request
    if (key === undefined) return take(application, body, request)
    return exclusively(inFlight, application.id, key, () =>
      take(application, body, request).catch((error: unknown) => {
        if (error instanceof Repeated) return error.answer
        throw error
      }),
    )
  }
}
