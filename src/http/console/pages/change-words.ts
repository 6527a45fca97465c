import type { ChangeRequest, Operator } from '../../../access/index.ts'
import { type Html, html } from '../../page/html.ts'
import { foreign, moment } from '../../page/parts.ts'

const kinds: Readonly<Record<ChangeRequest['kind'], string>> = {
  'recipient.activate': 'Use a certificate for a recipient',
  'recipient.reinstate': 'Lift a suspension',
  'recipient.attest': 'Record attestations of a recipient',
  'policy.adopt': 'Put a crypto policy in force',
  'destination.set': 'Change how a domain’s mail servers are authenticated',
}

/** What is asked, in words. */
export function titleOf({ kind, subject }: ChangeRequest): string {
  return kind === 'destination.set' ? `${kinds[kind]}: ${subject}` : kinds[kind]
}

export function nameOf(operators: readonly Operator[], id: string | null): Html {
  const found = operators.find(operator => operator.id === id)
  return found === undefined ? html`<code>${id}</code>` : foreign(found.name)
}

export function changeLine(change: ChangeRequest, operators: readonly Operator[]): Html {
  return html`<li><a href="/changes/${change.id}">${titleOf(change)}</a>
<br><span class="soft">asked by ${nameOf(operators, change.askedBy)} on ${moment(change.askedAt)},
${change.state}</span></li>`
}
