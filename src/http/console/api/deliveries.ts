import type { Router } from 'express'
import { exportDeliveries, readDeliveries, readDelivery } from '../../../review/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import type { ConsoleContext } from '../dependencies.ts'
import { deliveryOf, present, readQuery } from '../query.ts'
import { readersOfDeliveries } from '../readers.ts'
import { readerBehind, sendFile } from '../reading.ts'
import { afterOf, deliveryQuery } from '../search-forms.ts'

/** All deliveries, for those who review them or see to it that they arrive. Whatever is read is on record. */
export function routeDeliveriesApi(api: Router, context: ConsoleContext): void {
  api
    .route('/deliveries')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfDeliveries)
      const { format, limit, after, ...asked } = readQuery(request, deliveryQuery)
      const filter = present(asked)
      if (format !== 'json') {
        const file = { operator, name: 'deliveries', as: format }
        await sendFile(context, request, response, file, () => exportDeliveries(reader, filter, file.as))
        return
      }
      const { deliveries, next, log } = await readDeliveries(reader, filter, { limit, after })
      response.json({ deliveries, next: afterOf(next), log })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/deliveries/:id')
    .get(async (request, response) => {
      const { reader } = await readerBehind(context, request, ...readersOfDeliveries)
      const { tries, ...delivery } = await readDelivery(reader, deliveryOf(request))
      response.json({ ...delivery, attempts: tries })
    })
    .all(refuseMethod('GET, HEAD'))
}
