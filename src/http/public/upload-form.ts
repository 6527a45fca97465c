import { type Html, html } from '../page/html.ts'
import { act } from '../page/parts.ts'

/** The form to give a certificate: a file, or its text; and, where we look for some, a way to let us look. */
export function uploadForm({ address, discovery }: { address: string; discovery: boolean }): Html {
  return html`<form method="post" action="/enrol/certificate" enctype="multipart/form-data">
<div class="field"><label for="file">File with your public key</label>
<p class="hint" id="file-hint">Often called <code>…public.asc</code> or <code>….pgp</code>. At most 64 KiB.
Never the private or secret key.</p>
<input id="file" name="file" type="file" aria-describedby="file-hint"></div>
<div class="field"><label for="text">Or paste it here</label>
<p class="hint" id="text-hint">From <code>-----BEGIN PGP PUBLIC KEY BLOCK-----</code> to the line with
<code>END</code>.</p>
<textarea id="text" name="text" rows="7" spellcheck="false" autocomplete="off" aria-describedby="text-hint"></textarea></div>
<button>Check this key</button>
</form>
<details><summary>How do I get this file?</summary>
<p><strong>Thunderbird</strong>: Account Settings, End-to-End Encryption, OpenPGP Key Manager; choose your
key; File, Export Public Key.</p>
<p><strong>Kleopatra (Gpg4win)</strong>: choose your certificate; Export. Not “Backup Secret Keys”.</p>
<p><strong>GnuPG</strong>: <code>gpg --armor --export ${address}</code></p>
<p>The key needs a user ID with exactly the address <strong>${address}</strong>.</p></details>
${
  discovery &&
  html`<h3>Or let us look for it</h3>
<p>If your organisation or a key server publishes your key, we can fetch it. Whether it is yours is checked
all the same.</p>
${act('/enrol/find', 'Look for my key', { look: 'second' })}`
}`
}
