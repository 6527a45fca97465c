import { z } from 'zod'
import {
  type ChangeRequestId,
  isAddress,
  isId,
  type OperatorId,
  type ProposalId,
  type RecipientId,
  SealpostError,
} from '../../kernel/index.ts'
import { scrub } from '../../platform/index.ts'

const line = z
  .string()
  .min(1)
  .max(200)
  .refine(text => !/\p{C}/u.test(text) && scrub(text) === text)
const recipient = z.custom<RecipientId>(value => typeof value === 'string' && isId('rcp', value))
const proposal = z.custom<ProposalId>(value => typeof value === 'string' && isId('prp', value))
const fingerprint = z.string().regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/)
const policy = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const domain = z.string().refine(name => name === name.toLowerCase() && isAddress(`a@${name}`))

/**
 * What takes two people, by kind: whom or what it is about (one request per kind and subject waits at a time), and
 * what exactly is asked, so that what was approved is what the approver saw.
 */
const changes = {
  /** A proposal whose fingerprint was verified becomes its recipient's certificate. */
  'recipient.activate': {
    subject: proposal,
    body: z.strictObject({
      recipient,
      certificate: fingerprint,
    }),
  },
  'recipient.reinstate': { subject: recipient, body: z.strictObject({}) },
  'recipient.attest': {
    subject: recipient,
    body: z.strictObject({
      attestations: z
        .array(
          z.strictObject({
            kind: z.enum(['aoc', 'saq', 'contract', 'scope', 'training', 'retention']),
            reference: line,
            validUntil: z.iso.datetime(),
          }),
        )
        .min(1)
        .max(20),
    }),
  },
  'policy.adopt': {
    subject: policy,
    body: z.strictObject({
      policy,
      sha256,
      effectiveAt: z.iso.datetime(),
      expiresAt: z.iso.datetime(),
      /** Of how many certificates in use those that the policy refuses are. */
      assessed: z.int().min(0),
      refused: z.array(
        z.strictObject({
          fingerprint,
          encryptionSubkey: fingerprint.optional(),
          reasons: z.array(z.string().regex(/^[a-z0-9_]{1,64}$/)),
          from: z.iso.datetime(),
        }),
      ),
    }),
  },
  /** How the mail servers of a domain are authenticated; `delivery/` judges the rule. */
  'destination.set': {
    subject: domain,
    body: z.strictObject({
      /** Null takes the rule away: nothing is sent to the domain then. */
      rule: z.record(z.string(), z.json()).nullable(),
      /** SHA-256 of the rule that it was asked to replace, null when there was none: it replaces no other. */
      replaces: sha256.nullable(),
    }),
  },
} as const

export type ChangeKind = keyof typeof changes

/** What can be asked, by kind. Times are ISO 8601 in UTC. */
export type Change = {
  [Kind in ChangeKind]: {
    readonly kind: Kind
    readonly subject: z.infer<(typeof changes)[Kind]['subject']>
    readonly body: Readonly<z.infer<(typeof changes)[Kind]['body']>>
  }
}[ChangeKind]

export type ChangeState = 'pending' | 'approved' | 'rejected' | 'withdrawn' | 'expired' | 'void'

/** A sensitive change that waits for its second person, or did. */
export type ChangeRequest = Change & {
  readonly id: ChangeRequestId
  readonly state: ChangeState
  readonly askedBy: OperatorId
  readonly askedAt: Date
  /** Until when it may be approved. */
  readonly expiresAt: Date
  /** Null while it waits, and when nobody decided: it expired, its asker was revoked, or it is void. */
  readonly decidedBy: OperatorId | null
  readonly decidedAt: Date | null
}

/** The change requests of one kind. */
export type ChangeRequestOf<Kind extends ChangeKind> = ChangeRequest & { readonly kind: Kind }

/** Throws `invalid_request`, naming places and never a value, unless this is a change of the form of its kind. */
export function checkChange({ kind, subject, body }: Change): void {
  const form: { readonly subject: z.ZodType; readonly body: z.ZodType } = changes[kind]
  const { error } = z.strictObject(form).safeParse({ subject, body })
  if (error === undefined) return
  throw new SealpostError('invalid_request', {
    errors: error.issues.map(({ path, code }) => ({ pointer: `/${path.map(String).join('/')}`, code })),
  })
}
