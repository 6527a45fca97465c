import { type Address, isAddress } from '../../kernel/index.ts'
import type { MessageMetadata, SealRefusal } from '../protocol.ts'
import { isCanonicalBase64 } from './base64.ts'
import { type Json, JsonRefused, parseJson, utf8ToString } from './json.ts'

/** A message as submitted. Bodies are views of the request's bytes: wiping those wipes these. */
export interface Message {
  readonly metadata: MessageMetadata
  readonly subject: string
  /** UTF-8. */
  readonly text: Uint8Array | undefined
  /** UTF-8. */
  readonly html: Uint8Array | undefined
  readonly attachments: readonly Attachment[]
  /** Whether attachments go without what programs wrote into them about people, places and themselves. */
  readonly stripMetadata: boolean
}

export interface Attachment {
  readonly filename: string
  readonly contentType: string
  /** Canonical base64 in ASCII, as submitted; never decoded here, because MIME wants it in base64 again. */
  readonly content: Uint8Array
}

/** The message is not of the required form. Holds pointers and codes, never a value. */
export class MessageRefused extends Error {
  readonly refusal: SealRefusal

  constructor(refusal: SealRefusal) {
    super(refusal.code)
    this.refusal = refusal
  }
}

const maxRecipients = 50
const maxAttachments = 100
const maxErrors = 50
const maxSubject = 998
const maxFilename = 255

/**
 * Parses the JSON of `POST /v1/messages`. Throws {@link MessageRefused}. `bytes` is overwritten (see `json.ts`).
 * Unknown fields are refused at their parent's pointer, because the name of a field is a value, too.
 */
export function parseMessage(bytes: Uint8Array): Message {
  const fields = new Fields()
  const root = fields.object(json(bytes), '', rootFields)
  const from = fields.address(root, 'from', '')
  const to = fields.recipients(root)
  const subject = fields.subject(root)
  const text = fields.body(root, 'text')
  const html = fields.body(root, 'html')
  const attachments = fields.attachments(root)
  const reference = fields.reference(root)
  const replyTo = root.has('replyTo') ? fields.address(root, 'replyTo', '') : undefined
  const expiresAt = fields.time(root, 'expiresAt')
  const stripMetadata = fields.flag(root, 'stripMetadata')
  if (!root.has('text') && !root.has('html') && attachments.length === 0) fields.refuse('', 'no_content')
  fields.throwIfRefused()
  const metadata = { from: from as Address, to, reference, replyTo, expiresAt }
  return { metadata, subject, text, html, attachments, stripMetadata }
}

const rootFields = [
  'from',
  'to',
  'subject',
  'text',
  'html',
  'attachments',
  'reference',
  'replyTo',
  'expiresAt',
  'stripMetadata',
]
const attachmentFields = ['filename', 'contentType', 'content']

/** C0, DEL, C1, line and paragraph separators, and the controls that reorder text on a screen. */

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

/** RFC 6838 section 4.2, without `message/*` and `multipart/*`: those would be structure, not content. */
const mediaType =
  /^(?!message\/|multipart\/)[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/i

const referenceForm = /^[A-Za-z0-9._:-]{1,128}$/

/** RFC 3339 section 5.6; no leap second, which no clock here has. */
const timeForm =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** `2027-02-30` would be read as a day in March. */
function isOnCalendar(text: string): boolean {
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

type Members = ReadonlyMap<string, Json>

function json(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes)
  } catch (error) {
    if (!(error instanceof JsonRefused)) throw error
    throw new MessageRefused({ code: 'invalid_json', errors: [{ pointer: '', code: error.code }] })
  }
}

/** Reads fields and collects what is wrong with all of them, so that a caller can correct them at once. */
class Fields {
  readonly #errors: { pointer: string; code: string }[] = []

  refuse(pointer: string, code: string): void {
    if (this.#errors.length < maxErrors) this.#errors.push({ pointer, code })
  }

  throwIfRefused(): void {
    if (this.#errors.length === 0) return
    const injection = this.#errors.some(error => error.code === 'control_character')
    const code = injection ? 'header_injection' : 'invalid_message'
    throw new MessageRefused({ code, errors: this.#errors })
  }

  object(value: Json, pointer: string, known: readonly string[]): Members {
    if (value.kind !== 'object') {
      this.refuse(pointer, 'wrong_type')
      this.throwIfRefused()
      return new Map()
    }
    for (const name of value.members.keys()) if (!known.includes(name)) this.refuse(pointer, 'unknown_field')
    return value.members
  }

  address(members: Members, name: string, parent: string): Address | undefined {
    const pointer = `${parent}/${name}`
    const value = this.#text(members, name, pointer, 'required')
    return value === undefined ? undefined : this.#address(value, pointer)
  }

  recipients(members: Members): readonly Address[] {
    const items = this.#list(members, 'to', 'required', maxRecipients)
    const addresses = new Set<Address>()
    items.forEach((item, i) => {
      const pointer = `/to/${i}`
      if (item.kind !== 'text') {
        this.refuse(pointer, 'wrong_type')
        return
      }
      const address = this.#address(item.utf8, pointer)
      if (address === undefined) return
      if (addresses.has(address)) this.refuse(pointer, 'duplicate')
      addresses.add(address)
    })
    return [...addresses]
  }

  subject(members: Members): string {
    return this.#line(members, 'subject', '/subject', maxSubject) ?? ''
  }

  body(members: Members, name: 'text' | 'html'): Uint8Array | undefined {
    const value = this.#text(members, name, `/${name}`, 'optional')
    if (value?.includes(0) === true) this.refuse(`/${name}`, 'null_character')
    return value
  }

  reference(members: Members): string | undefined {
    const value = this.#text(members, 'reference', '/reference', 'optional')
    if (value === undefined) return undefined
    const text = this.#header(value, '/reference', 128)
    if (text !== undefined && !referenceForm.test(text)) this.refuse('/reference', 'malformed')
    return text
  }

  /** A moment in milliseconds since 1970: RFC 3339 with the offset from UTC, so that it is one moment everywhere. */
  time(members: Members, name: string): number | undefined {
    const pointer = `/${name}`
    const value = this.#text(members, name, pointer, 'optional')
    const text = value === undefined ? undefined : this.#header(value, pointer, 40)
    if (text === undefined) return undefined
    const at = timeForm.test(text) ? Date.parse(text) : Number.NaN
    if (Number.isNaN(at) || !isOnCalendar(text)) this.refuse(pointer, 'malformed')
    return at
  }

  flag(members: Members, name: string): boolean {
    const value = members.get(name)
    if (value === undefined) return false
    if (value.kind === 'boolean') return value.value
    this.refuse(`/${name}`, 'wrong_type')
    return false
  }

  attachments(members: Members): readonly Attachment[] {
    return this.#list(members, 'attachments', 'optional', maxAttachments).map((item, i) => {
      const pointer = `/attachments/${i}`
      const attachment = this.object(item, pointer, attachmentFields)
      return {
        filename: this.#filename(attachment, `${pointer}/filename`),
        contentType: this.#contentType(attachment, `${pointer}/contentType`),
        content: this.#content(attachment, `${pointer}/content`),
      }
    })
  }

  #filename(members: Members, pointer: string): string {
    const name = this.#line(members, 'filename', pointer, maxFilename)
    if (name === undefined) return ''
    if (name === '' || name === '.' || name === '..' || /[/\\]/.test(name)) this.refuse(pointer, 'malformed')
    return name
  }

  #contentType(members: Members, pointer: string): string {
    const type = this.#line(members, 'contentType', pointer, 127)
    if (type === undefined) return ''
    if (!mediaType.test(type)) this.refuse(pointer, 'malformed')
    return type
  }

  #content(members: Members, pointer: string): Uint8Array {
    const content = this.#text(members, 'content', pointer, 'required')
    if (content === undefined) return new Uint8Array()
    if (!isCanonicalBase64(content)) this.refuse(pointer, 'malformed')
    return content
  }

  #address(utf8: Uint8Array, pointer: string): Address | undefined {
    const text = this.#header(utf8, pointer, 254)
    if (text === undefined) return undefined
    if (isAddress(text)) return text
    this.refuse(pointer, 'malformed')
    return undefined
  }

  /** A required field that ends up in one header line; undefined when it was refused. */
  #line(members: Members, name: string, pointer: string, limit: number): string | undefined {
    const value = this.#text(members, name, pointer, 'required')
    return value === undefined ? undefined : this.#header(value, pointer, limit)
  }

  #header(utf8: Uint8Array, pointer: string, limit: number): string | undefined {
    // Four bytes a character at most: whatever is longer need not become a string at all.
    const text = utf8.length > limit * 4 ? undefined : utf8ToString(utf8)
    if (text === undefined || text.length > limit) {
      this.refuse(pointer, 'too_long')
      return undefined
    }
    if (control.test(text)) {
      this.refuse(pointer, 'control_character')
      return undefined
    }
    return text
  }

  #text(
    members: Members,
    name: string,
    pointer: string,
    need: 'required' | 'optional',
  ): Uint8Array | undefined {
    const value = members.get(name)
    if (value?.kind === 'text') return value.utf8
    if (value !== undefined) this.refuse(pointer, 'wrong_type')
    else if (need === 'required') this.refuse(pointer, 'required')
    return undefined
  }

  #list(members: Members, name: string, need: 'required' | 'optional', limit: number): readonly Json[] {
    const value = members.get(name)
    const pointer = `/${name}`
    if (value === undefined) {
      if (need === 'required') this.refuse(pointer, 'required')
      return []
    }
    if (value.kind !== 'list') {
      this.refuse(pointer, 'wrong_type')
      return []
    }
    if (value.items.length === 0 && need === 'required') this.refuse(pointer, 'required')
    if (value.items.length > limit) {
      this.refuse(pointer, 'too_many')
      return []
    }
    return value.items
  }
}
