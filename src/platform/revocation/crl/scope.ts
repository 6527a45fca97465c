import { children, NotDer, tags } from '../asn1/der.ts'
import { type Extension, refuseCritical, valueOf } from '../asn1/extensions.ts'
import { isTrue } from '../asn1/values.ts'
import type { ListSource } from '../sources.ts'
import { fullNames } from '../sources.ts'

/** Which certificates of its issuer a list speaks of. */
export interface Scope {
  readonly only: 'any' | 'users' | 'authorities'
  /** The names of the one distribution point whose certificates it covers; undefined when it covers all of them. */
  readonly names: readonly string[] | undefined
}

const issuingDistributionPoint = '2.5.29.28'
const deltaIndicator = '2.5.29.27'

/**
 * RFC 5280 sections 5.2.4 and 5.2.5. Throws for a list that is only the difference to another (delta), that speaks of some
 * reasons only, of certificates by others (indirect) or of attributes: absence from those would say nothing.
 */
export function scopeOf(extensions: ReadonlyMap<string, Extension>): Scope {
  if (extensions.has(deltaIndicator)) throw new NotDer('a delta')
  refuseCritical(extensions, [issuingDistributionPoint])
  const point = extensions.get(issuingDistributionPoint)
  let scope: Scope = { only: 'any', names: undefined }
  for (const part of point === undefined ? [] : children(valueOf(point, tags.sequence))) {
    if (part.tag === tags.nested(0)) scope = { ...scope, names: fullNames(part) ?? [] }
    else if (part.tag === tags.plain(1) && scope.only === 'any' && isTrue(part))
      scope = { ...scope, only: 'users' }
    else if (part.tag === tags.plain(2) && scope.only === 'any' && isTrue(part))
      scope = { ...scope, only: 'authorities' }
    else throw new NotDer('a partial list')
  }
  return scope
}

/** Whether a list of this scope, found at `source`, speaks of a certificate. Section 6.3.3 (b) (2). */
export function covers({ only, names }: Scope, source: ListSource, isAuthority: boolean): boolean {
  if (only === 'users' && isAuthority) return false
  if (only === 'authorities' && !isAuthority) return false
  return names === undefined || names.some(name => source.names.includes(name))
}
