import { type Content, type Html, html } from './html.ts'

/** Text of others, kept apart from the direction of what stands around it. */
export function foreign(text: string): Html {
  return html`<bdi>${text}</bdi>`
}

const form = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

/** A point in time as people write it, in UTC. */
export function moment(date: Date | string): Html {
  const at = new Date(date)
  return html`<time datetime="${at.toISOString()}">${form.format(at)} UTC</time>`
}

export function dayOf(date: Date | string): Html {
  const at = new Date(date)
  return html`<time datetime="${at.toISOString()}">${day.format(at)}</time>`
}

/** A box that says how things stand; the first words say it, not the colour. */
export function say(tone: 'plain' | 'good' | 'warn' | 'bad', content: Content): Html {
  const role = tone === 'bad' ? 'alert' : 'status'
  return html`<div class="say ${tone}" role="${role}">${content}</div>`
}

export function card(heading: string, content: Content): Html {
  return html`<section class="card"><h2>${heading}</h2>${content}</section>`
}

/** Names and what they are; entries without a value are left out. */
export function facts(entries: readonly (readonly [string, Content])[]): Html {
  const rows = entries.filter(([, value]) => value !== null && value !== undefined && value !== '')
  return html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
}

/** A form of one button. `action` is a path of ours. */
export function act(
  action: string,
  label: string,
  {
    look = '',
    hidden = {},
  }: { look?: '' | 'second' | 'danger'; hidden?: Readonly<Record<string, string>> } = {},
): Html {
  const fields = Object.entries(hidden).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  return html`<form method="post" action="${action}">${fields}<button class="${look}">${label}</button></form>`
}

export interface Choice {
  readonly value: string
  readonly label: string
}

/** One of several, each visible. */
export function choices(name: string, legend: string, options: readonly Choice[]): Html {
  return html`<fieldset><legend>${legend}</legend>${options.map(
    ({ value, label }) =>
      html`<label class="choice"><input type="radio" name="${name}" value="${value}" required>
${label}</label>`,
  )}</fieldset>`
}

/** A labelled line to write in. `id` where a page has more than one of the name. */
export function field(
  name: string,
  label: string,
  {
    hint,
    type = 'text',
    required = true,
    value = '',
    size = 200,
    id = name,
  }: {
    hint?: string
    type?: 'text' | 'email' | 'tel' | 'date' | 'number' | 'search'
    required?: boolean
    value?: string
    size?: number
    id?: string
  } = {},
): Html {
  const described = hint === undefined ? '' : `${id}-hint`
  return html`<div class="field"><label for="${id}">${label}</label>${
    hint !== undefined && html`<p class="hint" id="${described}">${hint}</p>`
  }<input id="${id}" name="${name}" type="${type}" value="${value}" maxlength="${size}" autocomplete="off"${
    described !== '' && html` aria-describedby="${described}"`
  }${required && html` required`}></div>`
}

/** A fingerprint as hex in groups and as words, to be read out on the telephone. */
export function fingerprint({
  groups,
  words,
}: {
  readonly groups: string
  readonly words: readonly string[]
}): Html {
  return html`<h3>Fingerprint</h3>
<ol class="print" aria-label="Fingerprint in groups">${groups.split(/\s+/).map(group => html`<li>${group}</li>`)}</ol>
<h3>The same as words</h3>
<ol class="print words" aria-label="Fingerprint as words">${words.map(word => html`<li>${word}</li>`)}</ol>`
}
