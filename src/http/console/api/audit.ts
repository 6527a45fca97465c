import type { Router } from 'express'
import { anchoredBy, type Checkpoint } from '../../../audit-log/index.ts'
import { isId, SealpostError } from '../../../kernel/index.ts'
import {
  exportEvents,
  fieldsOf,
  type ReadEvent,
  readCheckpoint,
  readEvent,
  readEvents,
} from '../../../review/index.ts'
import { refuseMethod } from '../../browser/frame.ts'
import type { ConsoleContext } from '../dependencies.ts'
import { idOf, present, readQuery } from '../query.ts'
import { readersOfLog } from '../readers.ts'
import { readerBehind, sendFile } from '../reading.ts'
import { afterOf, eventQuery } from '../search-forms.ts'

/** The audit log for auditors. Whatever is read is on record before the answer leaves. */
export function routeAuditApi(api: Router, context: ConsoleContext): void {
  api
    .route('/audit')
    .get(async (request, response) => {
      const { operator, reader } = await readerBehind(context, request, ...readersOfLog)
      const { format, limit, after, ...asked } = readQuery(request, eventQuery)
      const filter = present(asked)
      if (format !== 'json') {
        const file = { operator, name: 'audit', as: format }
        await sendFile(context, request, response, file, () => exportEvents(reader, filter, file.as))
        return
      }
      const { events, next, log } = await readEvents(reader, filter, { limit, before: after })
      response.json({
        events: events.map(({ leaf, body }) => ({ leaf, ...fieldsOf(body) })),
        next: afterOf(next),
        log,
      })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/audit/checkpoint')
    .get(async (request, response) => {
      const { reader } = await readerBehind(context, request, ...readersOfLog)
      const checkpoint = await readCheckpoint(reader)
      if (checkpoint === undefined) throw new SealpostError('not_found')
      response.json({ ...shown(checkpoint), anchors: await anchoredBy(context.knex, checkpoint.size) })
    })
    .all(refuseMethod('GET, HEAD'))

  api
    .route('/audit/:id')
    .get(async (request, response) => {
      const { reader } = await readerBehind(context, request, ...readersOfLog)
      const id = idOf(request)
      if (!isId('evt', id)) throw new SealpostError('not_found')
      response.json(proved(await readEvent(reader, id)))
    })
    .all(refuseMethod('GET, HEAD'))
}

/** What it takes to check by hand that the event is in the log: SHA-256(0x00 || body) is the leaf's hash. */
function proved({ event: { body }, hash, proof }: ReadEvent): object {
  return {
    event: fieldsOf(body),
    body,
    leafHash: hash.toString('hex'),
    leaf: proof?.leaf ?? null,
    proof: proof?.hashes.map(one => one.toString('base64')) ?? null,
    checkpoint: proof === undefined ? null : shown(proof.checkpoint),
  }
}

function shown({ size, root, note, at }: Checkpoint): object {
  return { size, root: root.toString('hex'), note, at }
}
