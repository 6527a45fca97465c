import { z } from 'zod'
import { address, code, type Told, time } from './words.ts'

const title = z.string().meta({ description: 'What is wrong, in one sentence.' })
const remedy = z.string().meta({ description: 'What can be done about it.' })

/** What would happen to one recipient's message. */
export const checkedRecipient = z.object({
  address,
  code: code.optional().meta({ description: 'Why this recipient cannot receive it. Absent: they can.' }),
  remedy: remedy.optional(),
  policy: z.string().optional().meta({ description: 'The crypto policy that was applied.' }),
  format: z.enum(['seipdv1', 'seipdv2']).optional().meta({
    description: 'How it would be encrypted (RFC 9580 sections 5.13.1 and 5.13.2).',
  }),
  encryptionKey: z
    .string()
    .regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/)
    .optional()
    .meta({ description: 'Fingerprint of the encryption subkey that would be used.' }),
  keyExpires: time.optional(),
  destination: z.enum(['auto', 'pinned', 'secure', 'relay']).optional().meta({
    description: 'How the mail servers of the domain are authenticated.',
  }),
})
export type CheckedRecipient = Told<typeof checkedRecipient>

export const checkProblem = z.object({
  code,
  title,
  remedy,
  pointer: z.string().optional().meta({ description: 'Where in the message (RFC 6901).' }),
})
export type CheckProblem = Told<typeof checkProblem>

/** The answer to `POST /v1/messages/check`. */
export const checkReport = z
  .object({
    accepted: z.boolean().meta({ description: 'Whether the message would be accepted now.' }),
    problems: z.array(checkProblem),
    recipients: z.array(checkedRecipient).max(50),
    cards: z.object({
      count: z.int().min(0).meta({ description: 'Card numbers found, each once per part.' }),
      brands: z.array(z.string()),
    }),
  })
  .meta({ description: 'What would happen to a message, and why. Nothing was stored.' })
export type CheckReport = Told<typeof checkReport>
