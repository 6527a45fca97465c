import type { Request } from 'express'
import { type Content, html } from '../../page/html.ts'

/** The link to the next page of a list, with the filter kept; nothing at the end. */
export function older(path: string, request: Request, after: string | null | undefined): Content {
  if (after === null || after === undefined) return undefined
  const query = new URL(request.url, 'https://console.invalid').searchParams
  query.set('after', after)
  return html`<p><a href="${path}?${query.toString()}" rel="next">Next page</a></p>`
}
