import type { Reason } from '../../recipients/index.ts'
import { type Html, html } from '../page/html.ts'
import { dayOf, say } from '../page/parts.ts'

/** Why a certificate was refused, in words that its owner can act on. */
export function refusedCertificate(reasons: readonly Reason[]): Html {
  const severe = reasons.some(({ code }) => code === 'private_key')
  return say(
    severe ? 'bad' : 'warn',
    html`<h2>${severe ? 'Stop: this was your private key' : 'This key cannot be used'}</h2>
${explained(reasons)}
${!severe && html`<p>Nothing of the file was kept. You can try again below.</p>`}`,
  )
}

/** A certificate that is good today and will not be under a policy that is on its way. */
export function cutOffWarning({
  at,
  reasons,
}: {
  readonly at: Date
  readonly reasons: readonly Reason[]
}): Html {
  return say(
    'warn',
    html`<h2>This key is good until ${dayOf(at)}</h2>
<p>From then on our rules no longer allow it. You can go on with it now, or use a better key at once.</p>
${explained(reasons)}`,
  )
}

function explained(reasons: readonly Reason[]): Html {
  return html`<ul>${reasons.map(
    ({ code, sentence, remedy }) =>
      html`<li><strong>${sentence}</strong> ${remedy} <span class="soft">(<code>${code}</code>)</span></li>`,
  )}</ul>`
}
