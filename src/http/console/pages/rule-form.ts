import type { DestinationRule } from '../../../delivery/index.ts'
import { SealpostError } from '../../../kernel/index.ts'
import type { Form } from '../../browser/form.ts'
import { type Html, html } from '../../page/html.ts'
import { field } from '../../page/parts.ts'

type Listed = Exclude<DestinationRule, { mode: 'auto' }>

/**
 * The rule that a form asks for, of the form that the API takes; null to take it away. What was filled in but belongs to
 * another mode is refused, not dropped: whoever pins a key wants it to count. Throws `invalid_request`.
 */
export function ruleOfForm(form: Form): unknown {
  const text = (name: string): string => form.text(name).trim()
  const mode = text('mode')
  assertOnly(mode, text)
  if (mode === 'none') return null
  const limits = present({
    connections: wholeNumber(text('connections')),
    messagesPerMinute: wholeNumber(text('messagesPerMinute')),
  })
  const pins = present({ ca: given(text('ca')), spkiSha256: linesOf(text('spki')) })
  return present({
    mode,
    floor: given(text('floor')),
    hosts: mode === 'auto' ? undefined : (linesOf(text('servers')) ?? []).map(serverOf),
    pins: mode === 'pinned' ? pins : undefined,
    requireTls: given(text('requireTls')),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
  })
}

/** Which fields mean something in which mode. */
const only = {
  floor: ['auto'],
  servers: ['pinned', 'secure'],
  ca: ['pinned'],
  spki: ['pinned'],
  requireTls: ['auto', 'pinned', 'secure'],
  connections: ['auto', 'pinned', 'secure'],
  messagesPerMinute: ['auto', 'pinned', 'secure'],
} as const

function assertOnly(mode: string, text: (name: string) => string): void {
  const wrong = Object.entries(only).filter(
    ([name, modes]) => text(name) !== '' && !(modes as readonly string[]).includes(mode),
  )
  if (wrong.length === 0) return
  throw new SealpostError('invalid_request', {
    errors: wrong.map(([name]) => ({ pointer: `/${name}`, code: 'not_for_this_kind_of_rule' })),
  })
}

/** `name`, `name:port`, or either and `implicit`. */
function serverOf(line: string): unknown {
  const [, name = '', port, implicit] = /^(\S+?)(?::(\d{1,5}))?(?:\s+(implicit))?$/.exec(line) ?? []
  if (name === '')
    throw new SealpostError('invalid_request', { errors: [{ pointer: '/servers', code: 'malformed' }] })
  const tls = implicit === undefined ? 'starttls' : 'implicit'
  return { name: name.toLowerCase(), port: Number(port ?? (tls === 'implicit' ? 465 : 25)), tls }
}

function linesOf(text: string): string[] | undefined {
  const lines = text.split('\n').map(line => line.trim())
  const filled = lines.filter(line => line !== '')
  return filled.length === 0 ? undefined : filled
}

function given(text: string): string | undefined {
  return text === '' ? undefined : text
}

/** What is no number is left as it is, for the form's check to name it. */
function wholeNumber(text: string): number | string | undefined {
  if (text === '') return undefined
  return /^\d{1,6}$/.test(text) ? Number(text) : text
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** A form that asks for a rule, filled in with the one in force. */
export function ruleForm(domain: string, rule: DestinationRule | null): Html {
  const listed: Listed | undefined = rule === null || rule.mode === 'auto' ? undefined : rule
  const pins = listed?.mode === 'pinned' ? listed.pins : undefined
  const mode = rule?.mode ?? 'auto'
  return html`<form method="post" action="/destinations/${domain}">
<fieldset><legend>What kind of rule?</legend>${kinds(rule !== null).map(
    ({ value, label }) =>
      html`<label class="choice"><input type="radio" name="mode" value="${value}" required${value === mode && html` checked`}>
${label}</label>`,
  )}</fieldset>
<h3>For pinned and secure</h3>
${area('servers', 'Servers, in the order in which they are tried', {
  hint: 'One a line, at most eight: mx.acquirer.example, or with another port mx.acquirer.example:587, or for TLS from the first byte mx.acquirer.example:465 implicit.',
  value: (listed?.hosts ?? [])
    .map(({ name, port, tls }) => `${name}:${port}${tls === 'implicit' ? ' implicit' : ''}`)
    .join('\n'),
})}
<h3>For pinned: at least one of these</h3>
${area('ca', 'Their CA, as PEM', {
  hint: 'From -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----. Only certificates that it issued count.',
  value: pins?.ca ?? '',
})}
${area('spki', 'Keys of their servers: SHA-256 of the public key (SPKI) in base64, one a line', {
  hint: '“Probe the way there” shows it; compare it with them by telephone. Give the next key as well, before they change it.',
  value: (pins?.spkiSha256 ?? []).join('\n'),
})}
<h3>Only if you need it</h3>
${select('floor', 'For auto: the least that will do', rule?.mode === 'auto' ? rule.floor : undefined, [
  ['', 'DANE, or MTA-STS where there is no DANE'],
  ['dane', 'DANE'],
])}
${select('requireTls', 'TLS on the whole way, behind their server too (REQUIRETLS)', rule?.requireTls, [
  ['', 'is not asked for'],
  ['if_offered', 'is asked for where a server offers it'],
  ['must', 'is a must: a server that does not offer it gets nothing'],
])}
<div class="pair">${field('connections', 'Connections at a time, of each replica', { type: 'number', required: false, size: 2, value: number(rule?.limits?.connections) })}
${field('messagesPerMinute', 'Messages a minute, of each replica', { type: 'number', required: false, size: 6, value: number(rule?.limits?.messagesPerMinute) })}</div>
<button>${rule === null ? 'Set it, or ask for approval' : 'Ask for approval'}</button></form>`
}

function kinds(hasRule: boolean) {
  return [
    { value: 'auto', label: 'auto: their servers prove themselves by DANE or MTA-STS' },
    { value: 'pinned', label: 'pinned: servers that I list, with a key or CA that I checked with them' },
    { value: 'secure', label: 'secure: servers that I list, with a certificate of a public CA' },
    ...(hasRule ? [{ value: 'none', label: 'none: take the rule away, so that nothing is sent there' }] : []),
  ]
}

function number(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}

function area(name: string, label: string, { hint, value }: { hint: string; value: string }): Html {
  return html`<div class="field"><label for="${name}">${label}</label><p class="hint" id="${name}-hint">${hint}</p>
<textarea id="${name}" name="${name}" rows="4" autocomplete="off" spellcheck="false" aria-describedby="${name}-hint">
${value}</textarea></div>`
}

function select(
  name: string,
  label: string,
  chosen: string | undefined,
  options: readonly (readonly [string, string])[],
): Html {
  return html`<div class="field"><label for="${name}">${label}</label><select id="${name}" name="${name}">${options.map(
    ([value, words]) =>
      html`<option value="${value}"${value === (chosen ?? '') && html` selected`}>${words}</option>`,
  )}</select></div>`
}
