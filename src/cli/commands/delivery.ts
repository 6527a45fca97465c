import { Command } from 'commander'
import { loadOwnerDatabase } from '../../config/index.ts'
import { cancelDelivery, listQuarantined, releaseDelivery } from '../../delivery/index.ts'
import { type DeliveryId, isId, SealpostError, systemClock } from '../../kernel/index.ts'
import { openQueue } from '../../platform/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

const most = 1000

/** `delivery list|release|cancel`: what waits in quarantine for somebody to decide. */
export function deliveryCommand(): Command {
  const delivery = new Command('delivery').description('deliveries that wait for an operator')
  delivery
    .command('list')
    .description(`at most ${most} of those in quarantine`)
    .requiredOption('--quarantined', 'those in quarantine; there is no list of all')
    .option('--json', 'answer as JSON')
    .action(async ({ json }: { json?: true }) => {
      const found = await withOwner(knex => listQuarantined(knex, { limit: most }))
      if (json) printJson(found)
      else
        for (const { id, recipient, outcome, attempts, quarantinedAt, giveUpAt } of found) {
          const times = `since ${quarantinedAt.toISOString()}, until ${giveUpAt.toISOString()}`
          print(inert(`${id}  ${recipient}  ${outcome} after ${attempts} attempts  ${times}`))
        }
    })
  delivery
    .command('release')
    .description('send one again')
    .argument('<id>')
    .action(async (id: string) => {
      const known = deliveryId(id)
      const queue = await openQueue(loadOwnerDatabase(process.env), {
        poolSize: 1,
        onError: () => undefined,
      })
      try {
        await withOwner(knex => releaseDelivery(knex, systemClock, queue, undefined, known))
      } finally {
        await queue.stop({ graceful: false })
      }
      print(`${known}: queued`)
    })
  delivery
    .command('cancel')
    .description('end one as failed, for good')
    .argument('<id>')
    .action(async (id: string) => {
      const known = deliveryId(id)
      await withOwner(knex => cancelDelivery(knex, systemClock, undefined, known))
      print(`${known}: cancelled`)
    })
  return delivery
}

function deliveryId(text: string): DeliveryId {
  if (!isId('dlv', text)) throw new SealpostError('not_found')
  return text
}
