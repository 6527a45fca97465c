import { z } from 'zod'
import { tlsLevels } from '../audit/index.ts'

const encryptionAlgorithms = [
  'rsa',
  'ecdh-curve25519',
  'ecdh-nistp256',
  'ecdh-nistp384',
  'ecdh-nistp521',
  'x25519',
  'x448',
] as const

const signatureAlgorithms = [
  'rsa',
  'eddsa-ed25519',
  'ecdsa-nistp256',
  'ecdsa-nistp384',
  'ecdsa-nistp521',
  'ed25519',
  'ed448',
] as const

const hashes = ['sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-512'] as const

const formats = ['seipdv1', 'seipdv2'] as const

const hours = z.int().min(0).max(336)

/**
 * The form of a file of `keys-policy/`. It can narrow what the program knows to be sound, never widen it: a name
 * that is not listed here, SHA-1 for one, is an error, as is RSA below 2048 bits.
 */
export const policySchema = z
  .strictObject({
    /** Changes with every change of the content; it is written into what was decided under it. */
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** The first day on which it may take effect. */
    effectiveFrom: z.iso.date(),
    /** The day by which somebody has to look at this file again. */
    reviewBy: z.iso.date(),
    rsaBits: z.strictObject({
      min: z.int().min(2048).max(16384),
      max: z.int().min(2048).max(16384),
    }),
    encryptionAlgorithms: distinct(z.enum(encryptionAlgorithms)),
    signatureAlgorithms: distinct(z.enum(signatureAlgorithms)),
    signatureHashes: distinct(z.enum(hashes)),
    formats: distinct(z.enum(formats)),
    /** What is allowed for now: the day (UTC) from whose start on it is not. */
    legacy: z.strictObject({
      formats: z.partialRecord(z.enum(formats), z.iso.date()),
      algorithms: z.partialRecord(z.enum([...encryptionAlgorithms, ...signatureAlgorithms]), z.iso.date()),
    }),
    cryptoperiods: z.strictObject({
      /** How long an encryption subkey is used, from its creation. */
      encryptionDays: z.int().min(30).max(3650),
    }),
    /** How mail servers must be authenticated, whatever the rule of their domain is content with. */
    tls: z.strictObject({
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']),
      /** The weakest level of authentication that will do. */
      floor: z.enum(tlsLevels),
      /** `required`: a server whose CA publishes nothing on revocation will not do. Revoked ones, and stale data, never do. */
      revocation: z.enum(['when_known', 'required']),
    }),
    /** On how many different anchors a checkpoint over it must be known before evidence is issued. Absent in files older than the field. */
    evidence: z.strictObject({ anchors: z.int().min(0).max(9) }).default({ anchors: 0 }),
    lifecycle: z.strictObject({
      /** How long an adoption of this policy holds, at most. */
      approvalDays: z.int().min(1).max(730),
      invitationDays: z.int().min(1).max(90),
      /** How long the code of a proof of possession holds. */
      proofHours: z.int().min(1).max(336),
      /** From approval until a certificate becomes active. */
      coolingOffHours: z.strictObject({ first: hours, replacement: hours }),
      /** How long what was accepted for a replaced certificate may still go out. */
      overlapDays: z.int().min(0).max(90),
      /** For how long after its acceptance a delivery is tried. */
      giveUpHours: z.int().min(1).max(168),
      /** Whether a new certificate that the active one has certified needs no second operator. */
      certifiedReplacementSkipsApproval: z.boolean(),
      /** Days before an end at which it is spoken of, most first. */
      remindDays: z
        .array(z.int().min(1).max(366))
        .min(1)
        .refine(days => days.every((day, i) => i === 0 || day < (days[i - 1] ?? 0))),
    }),
  })
  .refine(policy => policy.rsaBits.min <= policy.rsaBits.max, { path: ['rsaBits'] })
  .refine(policy => policy.effectiveFrom < policy.reviewBy, { path: ['reviewBy'] })

function distinct<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .min(1)
    .refine(items => new Set(items).size === items.length)
}
