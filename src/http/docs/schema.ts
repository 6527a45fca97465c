import type { JsonSchema } from '../../contract/index.ts'
import { type Content, type Html, html } from '../page/html.ts'
import { prose } from './prose.ts'

const prefix = '#/components/schemas/'

/** A schema as people read it: its fields, or what it is. */
export function renderSchema(schema: JsonSchema): Html {
  const { description, properties, examples = [] } = schema
  return html`${description !== undefined && html`<p>${prose(description)}</p>`}${
    properties === undefined ? html`<p>${kindOf(schema)}</p>` : fields(schema)
  }${examples.map(example => html`<pre class="lines">${JSON.stringify(example, null, 2)}</pre>`)}`
}

/** A field, a parameter: its name, what it may be, and what it means. */
export function renderField(
  name: string,
  { description, ...schema }: JsonSchema,
  required: boolean,
  says = description,
): Html {
  const nested = schema.properties ?? schema.items?.properties
  return html`<dt><code>${name}</code></dt><dd>${kindOf(schema)}${!required && ', optional'}${
    says !== undefined && html`. ${prose(says)}`
  }${nested !== undefined && fields(schema.items ?? schema)}</dd>`
}

function fields({ properties = {}, required = [] }: JsonSchema): Html {
  return html`<dl class="facts">${Object.entries(properties).map(([name, schema]) =>
    renderField(name, schema, required.includes(name)),
  )}</dl>`
}

/** What a value is, in a few words. */
export function kindOf(schema: JsonSchema): Content {
  const { $ref: ref, type, items, minItems, maxItems, minimum, maximum, maxLength } = schema
  if (ref !== undefined) return html`<a href="#${ref.slice(prefix.length)}">${ref.slice(prefix.length)}</a>`
  const one = schema['oneOf'] ?? schema['anyOf']
  if (type === undefined && Array.isArray(one)) {
    return (one as readonly JsonSchema[]).map((each, i) => html`${i > 0 && ' or '}${kindOf(each)}`)
  }
  if (Array.isArray(schema['enum'])) return listed(schema['enum'])
  if (schema['const'] !== undefined) return listed([schema['const']])
  if (type === 'array') {
    return html`list${maxItems !== undefined && html` (${range(minItems, maxItems)})`} of ${items === undefined ? 'anything' : kindOf(items)}`
  }
  if (type === 'integer')
    return html`whole number${maximum !== undefined && html` (${range(minimum, maximum)})`}`
  if (type === 'boolean') return listed([true, false])
  if (schema['format'] === 'date-time') return 'point in time (RFC 3339)'
  if (schema['contentMediaType'] !== undefined) return 'bytes'
  if (type === 'string')
    return html`text${maxLength !== undefined && html` (up to ${count(maxLength)} characters)`}`
  return type ?? 'anything'
}

function listed(values: readonly unknown[]): Content {
  return values.map((value, i) => html`${i > 0 && ', '}<code>${String(value)}</code>`)
}

function range(least: unknown = 0, most: unknown): Content {
  return html`${count(least)} to ${count(most)}`
}

function count(number: unknown): string {
  return Number(number).toLocaleString('en')
}
