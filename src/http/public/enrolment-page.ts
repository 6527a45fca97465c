import { grouped } from '../../keys/index.ts'
import type { EnrolmentStep, HeldCertificate, Proposal, RecipientView } from '../../recipients/index.ts'
import { type Content, type Html, html } from '../page/html.ts'
import { act, card, dayOf, facts, field, fingerprint, foreign, moment, say } from '../page/parts.ts'
import { uploadForm } from './upload-form.ts'

interface Shown {
  readonly view: RecipientView
  readonly organisation: string
  readonly discovery: boolean
  /** What the last thing that was done came to. */
  readonly result?: Content
}

/** The recipient's page: how far they are, and the one thing to do now. */
export function enrolmentPage({ view, organisation, discovery, result }: Shown): Html {
  const { recipient, step, proposal, active } = view
  return html`<p class="soft">For <strong>${foreign(recipient.address)}</strong>,
${foreign(recipient.organisation)}</p>
${result}
${suspended(view)}
${step !== 'ended' && (proposal !== null || active === null) && progress(step)}
${now(view, organisation, discovery)}
${active !== null && inUse(active, view, discovery)}
<p>Our mails to you are signed. <a href="/our-key">Our public key</a>, to verify them with.</p>
${act('/enrol/leave', 'Close this page', { look: 'second' })}`
}

const steps: readonly (readonly [EnrolmentStep, string])[] = [
  ['propose', 'Give us your public key'],
  ['prove', 'Return the code that we mail to you'],
  ['verify', 'Compare the fingerprint with us'],
  ['approve', 'A second person here approves'],
  ['wait', 'The key comes into use'],
]

function progress(step: EnrolmentStep): Html {
  const at = step === 'none' ? steps.length : steps.findIndex(([name]) => name === step)
  return html`<ol class="steps" aria-label="The way to encrypted mail">${steps.map(
    ([, label], index) =>
      html`<li class="${index < at ? 'done' : ''}"${index === at && html` aria-current="step"`}>${label}${
        index < at && html` <span class="soft">(done)</span>`
      }</li>`,
  )}</ol>`
}

function suspended({ recipient }: RecipientView): Content {
  return (
    recipient.state === 'suspended' &&
    say(
      'warn',
      html`<p><strong>Your enrolment is suspended.</strong> Nothing is sent to you until the person who
invited you has lifted that.</p>`,
    )
  )
}

function now(
  { recipient, step, proposal }: RecipientView,
  organisation: string,
  discovery: boolean,
): Content {
  switch (step) {
    case 'propose':
      return card(
        'Your public key',
        html`<p>${foreign(organisation)} wants to send you confidential mail that only you can read. For
that we need your OpenPGP public key.</p>${uploadForm({ address: recipient.address, discovery })}`,
      )
    case 'prove':
      return proposal !== null && [prove(recipient.address, proposal), another(recipient.address, discovery)]
    case 'verify':
      return proposal !== null && [verify(proposal, organisation), another(recipient.address, discovery)]
    case 'approve':
      return (
        proposal !== null &&
        card(
          'Nothing to do for you now',
          html`<p>Your key was checked. A second person here looks at it once more; you then get a
mail.</p>${described(proposal)}`,
        )
      )
    case 'wait':
      return (
        proposal !== null &&
        card(
          'Nothing to do for you now',
          html`<p>Your key is approved${
            proposal.activatesAt !== null &&
            html` and comes into use on
${moment(proposal.activatesAt)}`
          }. If you did not ask for this change, use the link in our mail about it
now.</p>${described(proposal)}`,
        )
      )
    case 'ended':
      return say(
        'plain',
        html`<p><strong>This enrolment has ended.</strong> Nothing is sent to you. If that is a mistake, ask
the person who invited you.</p>`,
      )
    case 'none':
      return undefined
  }
}

function prove(address: string, proposal: Proposal): Html {
  return card(
    'Return the code',
    html`<p>Your key is good. To see that it is yours, we have sent an encrypted mail to
<strong>${foreign(address)}</strong>. Open it with your private key and enter the code that is in it, or
follow the link in it.</p>
<form method="post" action="/enrol/code">${field('code', 'Code from the mail', { size: 128, ...(proposal.challengeExpiresAt === null ? {} : { hint: 'Copy the whole of it.' }) })}
<button>Return the code</button></form>
${
  proposal.challengeExpiresAt !== null &&
  html`<p class="soft">The code is good until
${moment(proposal.challengeExpiresAt)}.</p>`
}
<h3>No mail, or you cannot read it?</h3>
<p>Look into the spam folder. If your program cannot open the mail, the key you gave us is not the one it
has.</p>
${act('/enrol/code/again', 'Send another code', { look: 'second' })}
${described(proposal)}`,
  )
}

function verify(proposal: Proposal, organisation: string): Html {
  return card(
    'Compare the fingerprint with us',
    html`<p>You have proved that mailbox and key are yours. Somebody of ${foreign(organisation)} will now
call you, or meet you, and compare this fingerprint with you. Read it from <em>your own program</em>, not
from this page, and do not read it to somebody who calls from a number that you do not
know.</p>${fingerprint(proposal)}${described(proposal, false)}`,
  )
}

function another(address: string, discovery: boolean): Html {
  return html`<details><summary>Use another key instead</summary><div class="card">
<p>The key that you gave before is then forgotten.</p>${uploadForm({ address, discovery })}</div></details>`
}

function described(proposal: Proposal, withFingerprint = true): Html {
  const { algorithm, expiresAt } = proposal
  return html`${
    withFingerprint &&
    html`<details><summary>The key that you gave
us</summary>${fingerprint(proposal)}</details>`
  }
${facts([
  ['Encryption subkey', html`<code>${grouped(proposal.encryptionSubkey)}</code>`],
  ['Kind of key', algorithm],
  ['Good until', expiresAt === null ? 'no end set' : dayOf(expiresAt)],
])}`
}

function inUse(active: HeldCertificate, { recipient, step }: RecipientView, discovery: boolean): Html {
  return card(
    'The key in use',
    html`${say('good', html`<p><strong>Active.</strong> Mail to you is encrypted to this key.</p>`)}
${facts([
  ['Encryption subkey', html`<code>${grouped(active.encryptionSubkey)}</code>`],
  ['Kind of key', active.algorithm],
  ['Good until', active.expiresAt === null ? 'no end set' : dayOf(active.expiresAt)],
])}
<details><summary>Its fingerprint</summary>${fingerprint(active)}</details>
${
  step === 'none' &&
  html`<details><summary>Extend or replace it</summary>
<p>Upload the same key with its new expiry date or a new encryption subkey, or a new key. A new key or subkey
is checked like the first one.</p>${uploadForm({ address: recipient.address, discovery })}</details>`
}
<details><summary>Stop its use</summary><p>Lost the key, or somebody else may have it? Upload a revocation;
it counts at once. Without one, follow the “stop” link in any of our mails.</p>
<form method="post" action="/enrol/revocation" enctype="multipart/form-data"><div class="field">
<label for="revocation">Revocation, or the revoked key</label>
<p class="hint" id="revocation-hint">GnuPG wrote one into <code>openpgp-revocs.d</code> when the key was
made.</p><input id="revocation" name="file" type="file" required aria-describedby="revocation-hint"></div>
<button class="danger">Revoke this key</button></form></details>`,
  )
}
