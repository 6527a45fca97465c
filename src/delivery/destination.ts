import * as z from 'zod'
import { isAddress, SealpostError } from '../kernel/index.ts'

/** A DNS name as certificates carry it: lower case, no address, no trailing dot. */
const hostName = z
  .string()
  .refine(name => name === name.toLowerCase() && isAddress(`a@${name}`), { error: 'not a host name' })

const host = z.strictObject({
  name: hostName,
  port: z.int().min(1).max(65_535),
  tls: z.enum(['starttls', 'implicit']),
})
const hosts = z.array(host).min(1).max(8)

/** A PEM block and nothing around it that OpenSSL would skip in silence. */
const pemCertificates = z
  .string()
  .max(65_536)
  .regex(/^(?:-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*)+$/)
const spkiSha256 = z.string().regex(/^[A-Za-z0-9+/]{43}=$/)

const common = {
  /** RFC 8689: say REQUIRETLS, or send nothing; or say it where it is offered. Default: it is not said. */
  requireTls: z.enum(['must', 'if_offered']).optional(),
  /** Of one replica, over all servers of the domain. Default: the courier's own policy. */
  limits: z
    .strictObject({
      connections: z.int().min(1).max(64).optional(),
      messagesPerMinute: z.int().min(1).max(100_000).optional(),
    })
    .optional(),
}

/** The form of a rule, for whoever takes one from outside. */
export const destinationRule = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('auto'), floor: z.enum(['dane', 'mta_sts']).optional(), ...common }),
  z.strictObject({ mode: z.literal('secure'), hosts, ...common }),
  z.strictObject({
    mode: z.literal('pinned'),
    hosts,
    ...common,
    pins: z
      .strictObject({
        ca: pemCertificates.optional(),
        spkiSha256: z.array(spkiSha256).min(1).max(8).optional(),
      })
      .refine(pins => pins.ca !== undefined || pins.spkiSha256 !== undefined, { error: 'a pin is required' }),
  }),
])

/**
 * How the mail servers of one domain are found and authenticated. `auto` asks DNS for them and takes DANE (RFC 7672) where
 * a server has it, else MTA-STS in mode enforce (RFC 8461), else nobody; `floor: 'dane'` leaves only the first. In the
 * others the listed servers are the ones, and their names are always verified: `secure` trusts the public CAs; `pinned`
 * trusts only `pins.ca` (PEM), or only servers whose key is one of `pins.spkiSha256` (base64 of SHA-256 over the
 * SubjectPublicKeyInfo of the server's own certificate), or, when both are given, only where both hold.
 */
export type DestinationRule = z.infer<typeof destinationRule>
export type DestinationHost = z.infer<typeof host>

/** A rule from what the database holds. Throws `config_invalid`, without the value. */
export function asDestinationRule(value: unknown): DestinationRule {
  const parsed = destinationRule.safeParse(value)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map(issue => `/${issue.path.join('/')}`).join(', ')
  throw new SealpostError('config_invalid', { detail: `destination rule: ${where}` })
}

/** A rule from JSON text. Throws `config_invalid`, naming the places that are wrong. */
export function parseDestinationRule(text: string): DestinationRule {
  try {
    return asDestinationRule(JSON.parse(text))
  } catch (error) {
    if (error instanceof SealpostError) throw error
    throw new SealpostError('config_invalid', { detail: 'destination rule: not JSON' })
  }
}
