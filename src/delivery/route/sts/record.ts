const version = /^v=STSv1[ \t]*;/
const whole = /^v=STSv1(?:[ \t]*;[ \t]*[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+)+(?:[ \t]*;[ \t]*)?$/

/**
 * The id of the policy that a domain announces at `_mta-sts` (RFC 8461 section 3.1), or undefined when it announces
 * none: exactly one record of ours among whatever else is there, well-formed, with one id.
 */
export function announcedPolicy(records: readonly string[]): string | undefined {
  const [record, ...others] = records.filter(text => version.test(text))
  if (record === undefined || others.length > 0 || record.length > 1024 || !whole.test(record))
    return undefined
  const ids = record
    .split(';')
    .map(field => field.trim())
    .filter(field => field.startsWith('id='))
  const [id, ...more] = ids
  return more.length === 0 ? /^id=([A-Za-z0-9]{1,32})$/.exec(id ?? '')?.[1] : undefined
}
