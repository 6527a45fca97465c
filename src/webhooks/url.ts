import { isIP } from 'node:net'
import { SealpostError } from '../kernel/index.ts'
import { cardDataOf } from '../platform/index.ts'

/**
 * Where calls go: `https:` to a host name, no credentials, no fragment, at most 2,048 octets. Whether the host is at an address that
 * may be called is judged at each call. Throws `usage`.
 */
export function parseWebhookUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const literal = url !== undefined && (url.hostname.startsWith('[') || isIP(url.hostname) !== 0)
  if (
    url?.protocol !== 'https:' ||
    literal ||
    url.username !== '' ||
    url.password !== '' ||
    text.includes('#') ||
    url.href.length > 2048
  )
    throw new SealpostError('usage', {
      detail: 'a webhook is called by https:// and a host name, without credentials and fragment',
    })
  if (cardDataOf(url.href)) throw new SealpostError('usage', { detail: 'the URL looks like card data' })
  return url
}
