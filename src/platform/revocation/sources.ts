import type { CertificateParts } from './asn1/certificate.ts'
import { children, content, type Element, tags } from './asn1/der.ts'
import { valueOf } from './asn1/extensions.ts'
import { oid } from './asn1/values.ts'

/** Where a certificate says that news of its revocation are to be had. */
export interface Sources {
  /** Whether it names a list at all, also one that we could not fetch. */
  readonly namesLists: boolean
  /** Each with the names of its distribution point, one of which a list of partial scope must repeat. */
  readonly lists: readonly ListSource[]
  readonly namesResponders: boolean
  readonly responders: readonly URL[]
  /** RFC 7633: who has such a certificate staples. */
  readonly mustStaple: boolean
}

export interface ListSource {
  readonly url: URL
  readonly names: readonly string[]
}

const distributionPoints = '2.5.29.31'
const authorityInformation = '1.3.6.1.5.5.7.1.1'
const ocspAccess = '1.3.6.1.5.5.7.48.1'
const tlsFeature = '1.3.6.1.5.5.7.1.24'
const statusRequest = 5
// A certificate with a hundred addresses does not make us ask a hundred servers.
const most = 3

export function sourcesOf({ extensions }: CertificateParts): Sources {
  const points = extensions.get(distributionPoints)
  const access = extensions.get(authorityInformation)
  const feature = extensions.get(tlsFeature)
  const responders = (access === undefined ? [] : children(valueOf(access, tags.sequence)))
    .map(description => children(description))
    .filter(([method]) => oid(method) === ocspAccess)
  return {
    namesLists: points !== undefined,
    lists: (points === undefined ? [] : children(valueOf(points, tags.sequence)))
      .flatMap(listsAt)
      .slice(0, most),
    namesResponders: responders.length > 0,
    responders: responders.flatMap(([, where]) => urlsIn(where === undefined ? [] : [where])).slice(0, most),
    mustStaple:
      feature !== undefined &&
      children(valueOf(feature, tags.sequence)).some(
        number => number.to - number.from === 1 && content(number)[0] === statusRequest,
      ),
  }
}

/** A point that speaks of some reasons only, or of a list by somebody else, is one that we cannot use. */
function listsAt(point: Element): ListSource[] {
  const [name, ...limits] = children(point)
  if (name?.tag !== tags.nested(0) || limits.length > 0) return []
  const names = fullNames(name)
  return (names ?? []).flatMap(text => urls([text]).map(url => ({ url, names: names ?? [] })))
}

const uri = tags.plain(6)

/** The URIs of a DistributionPointName (RFC 5280 section 4.2.1.13); undefined for the form that is no full name. */
export function fullNames(distributionPointName: Element): readonly string[] | undefined {
  const [full, ...more] = children(distributionPointName)
  if (full?.tag !== tags.nested(0) || more.length > 0) return undefined
  return textsIn(children(full))
}

function textsIn(generalNames: readonly Element[]): string[] {
  return generalNames.filter(({ tag }) => tag === uri).map(name => content(name).toString('latin1'))
}

function urlsIn(generalNames: readonly Element[]): URL[] {
  return urls(textsIn(generalNames))
}

function urls(texts: readonly string[]): URL[] {
  return texts
    .filter(text => text.length <= 1024 && URL.canParse(text))
    .map(text => new URL(text))
    .filter(({ protocol }) => protocol === 'http:' || protocol === 'https:')
}
