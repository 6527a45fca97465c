import { createHash, createPublicKey, verify } from 'node:crypto'

/**
 * A verifier of DKIM (RFC 6376 section 6) of its own, for `relaxed/relaxed`; gives what is wrong, or nothing. It shares no
 * line with what signs. test/interop/dkim.test.ts has one that others wrote.
 */
export function faultOf(mail: Buffer, spki: string): string | undefined {
  const text = mail.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const fields = text.slice(0, end).split(/\r\n(?=[^ \t])/)
  const own = fields.findIndex(field => /^dkim-signature:/i.test(field))
  const signature = fields[own]
  if (signature === undefined) return 'unsigned'
  const tags = new Map(
    signature
      .slice(signature.indexOf(':') + 1)
      .split(';')
      .map(tag => {
        const at = tag.indexOf('=')
        return [tag.slice(0, at).trim(), tag.slice(at + 1).replace(/\s/g, '')] as const
      }),
  )
  if (tags.get('v') !== '1' || tags.get('c') !== 'relaxed/relaxed') return 'tags'

  const lines = text
    .slice(end + 4)
    .split('\r\n')
    .map(line => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.at(-1) === '') lines.pop()
  const body = lines.map(line => `${line}\r\n`).join('')
  if (createHash('sha256').update(body, 'latin1').digest('base64') !== tags.get('bh')) return 'body'

  const canonical = (field: string): string => {
    const [, name = '', value = ''] = /^([^:]*?)[ \t]*:([^]*)$/.exec(field) ?? []
    return `${name.toLowerCase()}:${value
      .replace(/\r\n/g, '')
      .replace(/[ \t]+/g, ' ')
      .trim()}`
  }
  const rest = fields.toSpliced(own, 1)
  const signed = (tags.get('h') ?? '').split(':').flatMap(name => {
    const at = rest.findLastIndex(field => field.toLowerCase().startsWith(`${name}:`))
    return at === -1 ? [] : rest.splice(at, 1).map(canonical)
  })
  const unsigned = canonical(signature.replace(/b=[^;]*$/, 'b='))
  const data = Buffer.from([...signed, unsigned].join('\r\n'), 'latin1')
  const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' })
  const value = Buffer.from(tags.get('b') ?? '', 'base64')
  const sound =
    tags.get('a') === 'rsa-sha256'
      ? verify('sha256', data, key, value)
      : verify(null, createHash('sha256').update(data).digest(), key, value)
  return sound ? undefined : 'signature'
}
