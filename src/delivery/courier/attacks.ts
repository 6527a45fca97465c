import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { withheldIfCard } from '../../platform/index.ts'
import type { Attack } from '../smtp/open-channel.ts'

/** Records attacks as they are seen. Rejects when the database does; whoever saw one then sends nothing (invariant 4). */
export function attackRecorder(knex: Knex, clock: Clock): (attack: Attack) => Promise<void> {
  return attack =>
    knex.transaction(trx =>
      appendEvents(trx, clock, [
        {
          actor: { kind: 'gateway' },
          event: { type: 'attack.suspected', ...attack, host: withheldIfCard(attack.host) },
        },
      ]),
    )
}
