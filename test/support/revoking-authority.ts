import 'reflect-metadata' // @peculiar/x509 throws unless this came first
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import * as x509 from '@peculiar/x509'
import {
  bits,
  der,
  extensionList,
  generalizedTime,
  integer,
  nested,
  nothing,
  octets,
  oid,
  plain,
  type RawExtension,
  sequence,
  utcTime,
} from './der.ts'

export const hour = 3_600_000
const ecdsaSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface Party {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

export interface CertificateWishes {
  readonly name?: string
  /** Where lists are, in one distribution point. */
  readonly lists?: readonly string[]
  readonly responder?: string
  readonly mustStaple?: boolean
  readonly authority?: boolean
  /** Whether a CA's key may sign lists. Default: yes. */
  readonly mayList?: boolean
  readonly purposes?: readonly string[]
  readonly extensions?: readonly RawExtension[]
  readonly ends?: Date
  readonly serial?: string
  /** What the CA's signature hashes with. Default: SHA-256. */
  readonly hash?: 'SHA-1'
}

export interface ListWishes {
  readonly revoked?: readonly X509Certificate[]
  /** Ready-made entries, DER, beside those. */
  readonly entries?: readonly Uint8Array[]
  readonly thisUpdate?: Date
  readonly nextUpdate?: Date | null
  readonly extensions?: readonly RawExtension[]
  readonly entryExtensions?: readonly RawExtension[]
  readonly by?: Party
  readonly signedBy?: KeyObject
  readonly algorithm?: Buffer
  readonly hash?: string
}

export interface ResponseWishes {
  readonly status?: 'good' | 'revoked' | 'unknown'
  readonly thisUpdate?: Date
  readonly nextUpdate?: Date | null
  /** Who says that it answers, and signs. */
  readonly by?: Party
  readonly signedBy?: KeyObject
  readonly byName?: boolean
  readonly certificates?: readonly X509Certificate[]
  readonly hash?: 'sha1' | 'sha256'
  readonly result?: number
  readonly extensions?: readonly RawExtension[]
  /** How many answers for the same certificate. */
  readonly times?: number
}

/** A certificate authority that revokes, and lies when a test wants it to. */
export interface RevokingAuthority extends Party {
  issue(wishes?: CertificateWishes): Promise<Party & { readonly pem: { certificate: string; key: string } }>
  list(wishes?: ListWishes): Buffer
  response(subject: X509Certificate, wishes?: ResponseWishes): Buffer
}

const ago = (time: number): Date => new Date(Date.now() - time)
const soon = (time: number): Date => new Date(Date.now() + time)

export async function createRevokingAuthority(
  name = 'Revoking CA',
  wishes: CertificateWishes = {},
): Promise<RevokingAuthority> {
  const own = newKeys()
  const root = await certify(own, { name, authority: true, ...wishes }, { name, ...own })
  const self: Party = { certificate: new X509Certificate(Buffer.from(root.rawData)), key: own.privateKey }
  return {
    ...self,
    async issue(more = {}) {
      const keys = newKeys()
      const made = await certify(keys, { name: 'mx.bank.test', ...more }, { name, ...own })
      return {
        certificate: new X509Certificate(Buffer.from(made.rawData)),
        key: keys.privateKey,
        pem: {
          certificate: made.toString('pem'),
          key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
        },
      }
    },
    list: more => signedList(self, more ?? {}),
    response: (subject, more) => signedResponse(self, subject, more ?? {}),
  }
}

type Keys = ReturnType<typeof newKeys>

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

async function certify(
  { publicKey }: Keys,
  wishes: CertificateWishes,
  issuer: Keys & { readonly name: string },
): Promise<x509.X509Certificate> {
  const { name = '', lists, responder, mustStaple, authority = false, purposes } = wishes
  const { keyCertSign, cRLSign, digitalSignature } = x509.KeyUsageFlags
  const usage = !authority
    ? new x509.KeyUsagesExtension(digitalSignature, true)
    : wishes.mayList === false
      ? new x509.KeyUsagesExtension(keyCertSign, true)
      : new x509.KeyUsagesExtension(keyCertSign | cRLSign, true)
  const extra: RawExtension[] = [...(wishes.extensions ?? [])]
  if (lists !== undefined) extra.push({ id: '2.5.29.31', value: sequence(sequence(pointName(...lists))) })
  if (responder !== undefined)
    extra.push({
      id: '1.3.6.1.5.5.7.1.1',
      value: sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), plain(6, Buffer.from(responder)))),
    })
  if (mustStaple === true)
    extra.push({ id: '1.3.6.1.5.5.7.1.24', value: sequence(integer(Buffer.from([5]))) })
  return x509.X509CertificateGenerator.create({
    publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']),
    signingKey: issuer.privateKey.toCryptoKey(algorithm, true, ['sign']),
    subject: [{ CN: [name] }],
    issuer: [{ CN: [issuer.name] }],
    serialNumber: wishes.serial ?? `4${randomBytes(16).toString('hex').slice(1)}`,
    notBefore: ago(48 * hour),
    notAfter: wishes.ends ?? soon(48 * hour),
    signingAlgorithm: { ...algorithm, hash: wishes.hash ?? algorithm.hash },
    extensions: [
      new x509.BasicConstraintsExtension(authority, undefined, true),
      usage,
      ...(authority ? [] : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])]),
      ...(purposes === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...purposes])]),
      ...extra.map(
        ({ id, critical, value }) => new x509.Extension(id, critical ?? false, new Uint8Array(value)),
      ),
    ],
  })
}

/** DistributionPointName with full names. */
export function pointName(...urls: readonly string[]): Buffer {
  return nested(0, nested(0, ...urls.map(url => plain(6, Buffer.from(url)))))
}

/** An entry of a list. */
export function entry(serial: Uint8Array, extensions: readonly RawExtension[] = []): Buffer {
  return sequence(
    integer(serial),
    utcTime(ago(24 * hour)),
    ...(extensions.length === 0 ? [] : [extensionList(extensions)]),
  )
}

function signedList(self: Party, wishes: ListWishes): Buffer {
  const { thisUpdate = ago(hour), nextUpdate = soon(24 * hour), by = self, algorithm = ecdsaSha256 } = wishes
  const entries = [
    ...(wishes.revoked ?? []).map(one => entry(serialOf(one), wishes.entryExtensions)),
    ...(wishes.entries ?? []),
  ]
  const signed = sequence(
    integer(Buffer.from([1])),
    algorithm,
    nameOf(by.certificate, 'subject'),
    utcTime(thisUpdate),
    ...(nextUpdate === null ? [] : [utcTime(nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ...(wishes.extensions === undefined ? [] : [nested(0, extensionList(wishes.extensions))]),
  )
  return sequence(signed, algorithm, bits(sign(wishes.hash ?? 'sha256', signed, wishes.signedBy ?? by.key)))
}

const results = {
  good: plain(0),
  revoked: nested(1, generalizedTime(ago(24 * hour))),
  unknown: plain(2),
}
const hashIds = { sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1' }

function signedResponse(self: Party, subject: X509Certificate, wishes: ResponseWishes): Buffer {
  const { status = 'good', by = self, hash = 'sha1', certificates = [], times = 1 } = wishes
  const { thisUpdate = ago(hour), nextUpdate = soon(24 * hour) } = wishes
  const digest = (bytes: Buffer, name: string = hash): Buffer => createHash(name).update(bytes).digest()
  const answer = sequence(
    sequence(
      sequence(oid(hashIds[hash]), nothing),
      octets(digest(nameOf(subject, 'issuer'))),
      octets(digest(keyOf(self.certificate))),
      integer(serialOf(subject)),
    ),
    results[status],
    generalizedTime(thisUpdate),
    ...(nextUpdate === null ? [] : [nested(0, generalizedTime(nextUpdate))]),
  )
  const data = sequence(
    wishes.byName === true
      ? nested(1, nameOf(by.certificate, 'subject'))
      : nested(2, octets(digest(keyOf(by.certificate), 'sha1'))),
    generalizedTime(thisUpdate),
    sequence(...Array.from({ length: times }, () => answer)),
    ...(wishes.extensions === undefined ? [] : [nested(1, extensionList(wishes.extensions))]),
  )
  const body = sequence(
    data,
    ecdsaSha256,
    bits(sign('sha256', data, wishes.signedBy ?? by.key)),
    ...(certificates.length === 0 ? [] : [nested(0, sequence(...certificates.map(({ raw }) => raw)))]),
  )
  const result = der(0x0a, Buffer.from([wishes.result ?? 0]))
  if (wishes.result !== undefined && wishes.result !== 0) return sequence(result)
  return sequence(result, nested(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(body))))
}

export function serialOf(certificate: X509Certificate): Buffer {
  const bytes = Buffer.from(certificate.serialNumber, 'hex')
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes])
}

function nameOf(certificate: X509Certificate, which: 'subject' | 'issuer'): Buffer {
  const { subjectName, issuerName } = new x509.X509Certificate(new Uint8Array(certificate.raw))
  return Buffer.from((which === 'subject' ? subjectName : issuerName).toArrayBuffer())
}

/** The octets of a P-256 point: the end of its SPKI. */
function keyOf({ publicKey }: X509Certificate): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
}
