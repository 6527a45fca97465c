import { z } from 'zod'

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

/**
 * The form of a file of `keys-policy/`. It can narrow what the program knows to be sound, never widen it: a name
 * that is not listed here, SHA-1 for one, is an error, as is RSA below 2048 bits.
 */
export const policySchema = z
  .strictObject({
    /** Changes with every change of the content; it is written into what was decided under it. */
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    /** The day by which somebody has to look at this file again. */
    reviewBy: z.iso.date(),
    rsaBits: z.strictObject({
      min: z.int().min(2048).max(16384),
      max: z.int().min(2048).max(16384),
    }),
    encryptionAlgorithms: distinct(z.enum(encryptionAlgorithms)),
    signatureAlgorithms: distinct(z.enum(signatureAlgorithms)),
    signatureHashes: distinct(z.enum(hashes)),
    formats: distinct(z.enum(['seipdv1', 'seipdv2'])),
  })
  .refine(policy => policy.rsaBits.min <= policy.rsaBits.max, { path: ['rsaBits'] })

function distinct<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .min(1)
    .refine(items => new Set(items).size === items.length)
}
