import type { CertificateParts } from '../asn1/certificate.ts'
import {
  children,
  content,
  type Element,
  encoded,
  expectTag,
  inner,
  NotDer,
  only,
  tags,
} from '../asn1/der.ts'
import { extensions, refuseCritical } from '../asn1/extensions.ts'
import { isSigned } from '../asn1/signature.ts'
import { oid, time, wholeBits } from '../asn1/values.ts'
import type { Issuer } from '../crl/read.ts'
import { identifies } from './certificate-id.ts'
import { responderKey } from './responder.ts'

/** What a responder says of one certificate, signed by who may say it. */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked'
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** The response as it came. */
  readonly der: Buffer
}

const basic = '1.3.6.1.5.5.7.48.1.1'
const mostOctets = 64 * 1024

/**
 * Reads an OCSP response (RFC 6960 section 4.2) of `subject`, made by `issuer`. Throws unless it is a successful one, by the
 * issuer or by whom it delegated at `now`, that says `good` or `revoked` of exactly this certificate until a given time.
 */
export async function readOcspResponse(
  der: Buffer,
  subject: CertificateParts,
  issuer: Issuer,
  now: Date,
): Promise<OcspAnswer> {
  if (der.length > mostOctets) throw new NotDer('too large')
  const [result, bytes, ...after] = children(only(der, tags.sequence))
  if (!content(expectTag(result, tags.enumerated)).equals(Buffer.from([0])) || after.length > 0)
    throw new NotDer('not successful')
  const [type, response, ...rest] = children(inner(expectTag(bytes, tags.nested(0)), tags.sequence))
  if (oid(type) !== basic || rest.length > 0) throw new NotDer('another kind of response')

  const body = only(content(expectTag(response, tags.octetString)), tags.sequence)
  const [data, algorithm, signature, certificates, ...beyond] = children(body)
  if (data === undefined || algorithm === undefined || signature === undefined || beyond.length > 0)
    throw new NotDer('no basic response')
  const { responder, answers } = readData(data)
  const sent =
    certificates === undefined ? [] : children(inner(expectTag(certificates, tags.nested(0)), tags.sequence))
  const key = await responderKey(responder, sent.map(encoded), issuer, now)
  if (!(await isSigned(encoded(data), algorithm, wholeBits(signature), key))) throw new NotDer('signature')

  const [answer, ...others] = answers.filter(
    ([id]) => id !== undefined && identifies(id, subject, issuer.parts),
  )
  if (answer === undefined || others.length > 0) throw new NotDer('not one answer')
  return { ...readAnswer(answer), der }
}

function readData(data: Element): { responder: Element; answers: readonly Element[][] } {
  const parts = children(expectTag(data, tags.sequence))
  // Version 1 is the default, and so is not written.
  const [responder, producedAt, responses, own, ...more] = parts
  if (responder === undefined || more.length > 0) throw new NotDer('no response data')
  time(expectTag(producedAt, tags.generalizedTime))
  if (own !== undefined) refuseCritical(extensions(inner(expectTag(own, tags.nested(1)), tags.sequence)), [])
  const answers = children(expectTag(responses, tags.sequence))
  return { responder, answers: answers.map(answer => children(expectTag(answer, tags.sequence))) }
}

const statuses: Readonly<Record<number, OcspAnswer['status']>> = {
  [tags.plain(0)]: 'good',
  [tags.nested(1)]: 'revoked',
}

function readAnswer([, status, thisUpdate, ...rest]: readonly Element[]): Omit<OcspAnswer, 'der'> {
  const said = statuses[status?.tag ?? 0]
  if (said === undefined) throw new NotDer('the responder does not know the certificate')
  const nextUpdate = rest[0]?.tag === tags.nested(0) ? rest.shift() : undefined
  const [own, ...more] = rest
  if (own !== undefined) refuseCritical(extensions(inner(expectTag(own, tags.nested(1)), tags.sequence)), [])
  // Without nextUpdate there is always something newer: nothing to rely on for any time (section 4.2.2.1).
  if (nextUpdate === undefined || more.length > 0) throw new NotDer('no end')
  return {
    status: said,
    thisUpdate: time(expectTag(thisUpdate, tags.generalizedTime)),
    nextUpdate: time(inner(nextUpdate, tags.generalizedTime)),
  }
}
