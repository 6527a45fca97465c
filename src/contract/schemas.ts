import { z } from 'zod'
import { checkedRecipient, checkProblem, checkReport } from './check.ts'
import { acceptedMessage, attachment, checkMessage, submitMessage } from './message.ts'
import { problem } from './problem.ts'
import {
  attempt,
  deliveryState,
  deliveryStatus,
  deliverySummary,
  messageList,
  messageState,
  messageStatus,
  messageSummary,
  tlsVerdict,
} from './status.ts'
import { update, webhookPayload, webhookTest } from './update.ts'
import { address, instant, time } from './words.ts'

/** A JSON Schema (draft 2020-12), as far as it is read here. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly examples?: readonly unknown[]
}

/** What has a name of its own in the document, in the order in which it is read. */
const named: Readonly<Record<string, z.ZodType>> = {
  SubmitMessage: submitMessage,
  CheckMessage: checkMessage,
  Attachment: attachment,
  AcceptedMessage: acceptedMessage,
  MessageStatus: messageStatus,
  DeliveryStatus: deliveryStatus,
  Attempt: attempt,
  TlsVerdict: tlsVerdict,
  MessageList: messageList,
  MessageSummary: messageSummary,
  DeliverySummary: deliverySummary,
  MessageState: messageState,
  DeliveryState: deliveryState,
  CheckReport: checkReport,
  CheckedRecipient: checkedRecipient,
  CheckProblem: checkProblem,
  Update: update,
  WebhookTest: webhookTest,
  WebhookPayload: webhookPayload,
  Problem: problem,
  Address: address,
  Instant: instant,
  Time: time,
}

// `input`: what applications are told may grow by fields that they do not know yet; only what they say is closed.
const options = { io: 'input', target: 'draft-2020-12', override: replaced } as const

/** Every named schema. */
export function namedSchemas(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { ...options, uri: name => `#/components/schemas/${name}` })
  return Object.fromEntries(Object.keys(named).map(name => [name, bare(schemas[name])]))
}

/** A schema where it is used: by its name, if it has one. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  const name = Object.keys(named).find(each => named[each] === schema)
  return name === undefined ? bare(z.toJSONSchema(schema, options)) : { $ref: `#/components/schemas/${name}` }
}

/** The fields of an object, each with its schema and whether it must be there. */
export function fieldsOf(
  object: z.ZodObject,
): readonly { readonly name: string; readonly required: boolean; readonly schema: JsonSchema }[] {
  const { properties = {}, required = [] } = bare(z.toJSONSchema(object, options))
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    required: required.includes(name),
    schema,
  }))
}

/** `as` is what a text in a URL stands for. */
function replaced({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { as, description } = jsonSchema as { as?: object; description?: string }
  if (as === undefined) return
  for (const name of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, name)
  Object.assign(jsonSchema, as, description === undefined ? {} : { description })
}

/** Without the dialect, which is that of the document, and the name, which is where it stands. */
function bare(schema: object = {}): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema' && name !== '$id'))
}
