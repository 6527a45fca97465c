import { type DestinationRule, type DomainAttempt, describeRule } from '../../../delivery/index.ts'
import { type Html, html } from '../../page/html.ts'
import { foreign, moment, say } from '../../page/parts.ts'

const levels = {
  dane: 'DANE',
  pinned: 'its pins',
  mta_sts: 'MTA-STS',
  secure: 'public CA',
} as const

/** How an attempt ended, and by what the server was authenticated. */
export function attemptLine(label: string, attempt: DomainAttempt | null): Html {
  if (attempt === null) return html`${label}: never`
  const { at, outcome, host, tls } = attempt
  return html`${label}: <strong>${outcome.replaceAll('_', ' ')}</strong>, ${moment(at)}${
    host !== null && html`, ${foreign(host)}`
  }${tls !== null && html`, authenticated by ${levels[tls.rule]}, ${tls.version}${tls.group !== null && html`, ${foreign(tls.group)}`}`}`
}

/** A rule sentence by sentence. */
export function ruleWords(rule: DestinationRule): Html {
  return html`<ul>${describeRule(rule).map(sentence => html`<li>${foreign(sentence)}</li>`)}</ul>`
}

/** Who is enrolled, or on the way, and cannot be reached. */
export function withoutRule(domains: readonly string[]): Html {
  return say(
    'warn',
    html`<p><strong>Recipients whose domain has no rule get nothing:</strong></p>
<ul>${domains.map(domain => html`<li><a href="/destinations/${domain}">${foreign(domain)}</a></li>`)}</ul>`,
  )
}
