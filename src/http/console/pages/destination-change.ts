import type { ChangeRequestOf } from '../../../access/index.ts'
import { asDestinationRule, type DestinationDetails, type DestinationRule } from '../../../delivery/index.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { card, foreign, say } from '../../page/parts.ts'
import { ruleWords } from './destination-words.ts'
import { probeButton } from './probe.ts'

/** What a change would make of a domain's rule, in words, beside what holds now: for whoever approves it. */
export function destinationChange(
  { id, subject: domain, body, state }: ChangeRequestOf<'destination.set'>,
  { rule: present, sha256 }: DestinationDetails,
): Content {
  const pending = state === 'pending'
  return html`${
    pending &&
    body.replaces !== sha256 &&
    say(
      'bad',
      html`<p><strong>The rule was changed since this was asked.</strong> It cannot be approved any more; reject it, and
have it asked again.</p>`,
    )
  }
${card(
  pending ? 'What it would be' : 'What was asked for',
  html`<p>Domain: <a href="/destinations/${domain}">${foreign(domain)}</a></p>${asked(body.rule)}${pending && body.rule?.['mode'] === 'pinned' && compared}${pending && body.rule !== null && probeButton(domain, id)}`,
)}
${
  pending &&
  card('What it is now', present === null ? html`<p>No rule: nothing is sent there.</p>` : words(present))
}`
}

function asked(given: ChangeRequestOf<'destination.set'>['body']['rule']): Html {
  if (given === null) return html`<p><strong>No rule any more: nothing is sent there.</strong></p>`
  try {
    return words(asDestinationRule(given))
  } catch {
    return html`<p><strong>This version knows no such rule</strong>; it cannot be approved.</p>`
  }
}

function words(rule: DestinationRule): Html {
  return html`<p><strong>${rule.mode}</strong></p>${ruleWords(rule)}`
}

const compared = html`<p>Before you approve: did somebody compare the pins with them, on another way than mail?</p>`
