import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { purged } from '../purged.ts'
import { giveUpQuarantined } from './store.ts'

const batch = 500

/** Ends what nobody decided on in its time, as `gave_up` or `expired`, with its events; gives how many. Any number may run. */
export async function giveUpWhatIsOver(knex: Knex, clock: Clock): Promise<number> {
  let ended = 0
  for (;;) {
    const given = await knex.transaction(async trx => {
      const rows = await giveUpQuarantined(trx, clock.now(), batch)
      await appendEvents(
        trx,
        clock,
        rows.flatMap(({ id, attempts, outcome }) => [
          {
            actor: { kind: 'gateway' },
            event: {
              type: 'delivery.failed',
              delivery: id,
              attempt: attempts,
              outcome,
              host: null,
              tls: null,
              replyCode: null,
              replySha256: null,
            },
          },
          purged(id),
        ]),
      )
      return rows.length
    })
    ended += given
    if (given < batch) return ended
  }
}
