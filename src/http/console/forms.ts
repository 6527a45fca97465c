import { z } from 'zod'
import { destinationRule } from '../../delivery/index.ts'
import { type Address, isAddress } from '../../kernel/index.ts'
import { revocationReasons } from '../../keys/index.ts'
import {
  attestationKinds,
  recipientKinds,
  suspensionReasons,
  verificationMeans,
} from '../../recipients/index.ts'
import { instant, lastMoment } from './query.ts'

/** What operators send, by page or by program. Only the form is checked here; what it may say, each use case knows. */
const address = z.custom<Address>(value => typeof value === 'string' && isAddress(value))
const text = z.string().max(1000)

export const attestationForm = z.strictObject({
  kind: z.enum(attestationKinds),
  reference: text,
  validUntil: lastMoment,
})

export const attestationsForm = z.strictObject({ attestations: z.array(attestationForm).min(1).max(20) })

export const invitationForm = z.strictObject({
  address,
  organisation: text,
  kind: z.enum(recipientKinds),
  phone: text,
  retentionDays: z.int(),
  attestations: z.array(attestationForm).max(20).default([]),
})

export const suspensionForm = z.strictObject({ reason: z.enum(suspensionReasons).default('operator') })

export const verificationForm = z.strictObject({ means: z.enum(verificationMeans) })

export const revocationForm = z.strictObject({ reason: z.enum(revocationReasons) })

export const adoptionForm = z.strictObject({
  policy: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  effectiveAt: instant.optional(),
  expiresAt: instant.optional(),
})

/** A domain as destinations have it: in lower case. */
export const domainName = z.string().refine(name => isDomain(name))

export function isDomain(name: string): boolean {
  return name === name.toLowerCase() && isAddress(`a@${name}`)
}

export const destinationForm = z.strictObject({ domain: domainName, rule: destinationRule.nullable() })

export const probeForm = z.strictObject({ rule: destinationRule.optional() })

export const noForm = z.strictObject({})
