import { isUtf8 } from 'node:buffer'
import { type Address, isAddress } from '../../../kernel/index.ts'
import { decodeInPlace } from '../mime/base64.ts'
import { type Json, utf8ToString } from './json.ts'
import { MessageRefused } from './refused.ts'

export interface Attachment {
  readonly filename: string
  readonly contentType: string
  readonly content: Uint8Array
}

/** An attachment that came as a part of its own. What is undefined was not said. */
export interface AttachedPart {
  readonly filename: Uint8Array | undefined
  readonly contentType: Uint8Array | undefined
  readonly content: Uint8Array
}

export const maxAttachments = 100
const maxRecipients = 50
const maxErrors = 50
const maxSubject = 998
const maxFilename = 255
/** Of `text` and of `html`, in bytes: what is longer is an attachment. */
const maxBody = 4 * 1024 * 1024

const attachmentFields = ['filename', 'contentType', 'content']

/** C0, DEL, C1, line and paragraph separators, and the controls that reorder text on a screen. */

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

/** RFC 6838 section 4.2, without `message/*` and `multipart/*`: those would be structure, not content. */
const mediaType =
  /^(?!message\/|multipart\/)[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/i

const referenceForm = /^[A-Za-z0-9._:-]{1,128}$/

/** RFC 3339 section 5.6, of this millennium; no leap second, which no clock here has. */
const timeForm =
  /^2\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** `2027-02-30` would be read as a day in March. */
function isOnCalendar(text: string): boolean {
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

export type Members = ReadonlyMap<string, Json>

/** Reads fields and collects what is wrong with all of them, so that a caller can correct them at once. */
export class Fields {
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
    if (value !== undefined && value.length > maxBody) this.refuse(`/${name}`, 'too_long')
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
    if (timeForm.test(text) && isOnCalendar(text)) return Date.parse(text.toUpperCase())
    this.refuse(pointer, 'malformed')
    return undefined
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
      return { ...this.#names(attachment, pointer), content: this.#content(attachment, `${pointer}/content`) }
    })
  }

  /** A part of its own, which is the attachment of this number. */
  part({ filename, contentType, content }: AttachedPart, number: number): Attachment {
    const members = new Map<string, Json>()
    for (const [name, utf8] of Object.entries({ filename, contentType })) {
      if (utf8 === undefined) continue
      if (!isUtf8(utf8)) this.refuse(`/attachments/${number}/${name}`, 'malformed')
      else members.set(name, { kind: 'text', utf8 })
    }
    return { ...this.#names(members, `/attachments/${number}`), content }
  }

  #names(members: Members, pointer: string): { filename: string; contentType: string } {
    return {
      filename: this.#filename(members, `${pointer}/filename`),
      contentType: this.#contentType(members, `${pointer}/contentType`),
    }
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
    const decoded = decodeInPlace(content)
    if (decoded === undefined) this.refuse(pointer, 'malformed')
    return decoded ?? new Uint8Array()
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
    // Four bytes a character at most: whatever is longer need not become a string at all. A character is a code point, as in JSON Schema.
    const text = utf8.length > limit * 4 ? undefined : utf8ToString(utf8)
    if (text === undefined || Array.from(text).length > limit) {
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
