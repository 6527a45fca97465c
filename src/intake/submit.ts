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
import type { SealerPool } from '../sealer/host/index.ts'
import { openAcceptance } from './accept.ts'
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
 * it rejects, nothing of it is kept. Throws what the sealer, `openResolution` and `openAcceptance` throw.
 */
export type Submit = (application: Application, body: AsyncIterable<Plaintext>) => Promise<AcceptedMessage>

export function openIntake({ knex, clock, queue, sealer, mailHost }: IntakeDependencies): Submit {
  const resolve = openResolution(knex, clock, mailHost)
  const accept = openAcceptance(knex, clock, queue)

  return async (application, body) => {
    const { metadata, sealed } = await sealer.seal(body, found => {
      judgeCards(application, found.cards)
      return resolve(application, found)
    })
    const { count, brands } = metadata.cards
    const id = newId('msg', clock)
    const deliveries = sealed.map(({ target: { recipient, outer, giveUpHours }, ciphertext }) => ({
      id: newId('dlv', clock),
      recipient,
      outer,
      ciphertext,
      giveUpHours,
    }))
    const policy = sealed[0]?.target.policy
    await accept({
      ...metadata,
      cards: { count, brands },
      id,
      application: application.id,
      acceptedAt: clock.now(),
      policy,
      deliveries,
    })
    return { id, deliveries: deliveries.map(delivery => ({ id: delivery.id, recipient: delivery.outer.to })) }
  }
}
