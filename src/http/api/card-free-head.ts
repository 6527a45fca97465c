import type { RequestHandler } from 'express'
import { scan } from '../../card-data/index.ts'
import { SealpostError } from '../../kernel/index.ts'

/**
 * Refuses a request whose path, query or header holds card data, with `pan_not_allowed_here`: proxies and logs on the way, none of
 * them ours, keep these (ASVS 14.2.1). What is refused is repeated nowhere.
 */
export const requireCardFreeHead: RequestHandler = (request, _response, next) => {
  const head = [request.url, ...request.rawHeaders].join('\n')
  const { pans, sad } = scan(Buffer.from(head, 'latin1'))
  if (pans.length + sad.length > 0) throw new SealpostError('pan_not_allowed_here')
  next()
}
