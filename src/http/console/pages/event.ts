import { catalogue } from '../../../audit/index.ts'
import { aboutOf, fieldsOf, type ReadEvent } from '../../../review/index.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { card, facts, foreign, say } from '../../page/parts.ts'
import { eventsAbout, exactly } from './search-parts.ts'

/** An event, and all that it takes to see for oneself that the log has it. */
export function eventPage({ event: { id, type, at, body }, hash, proof }: ReadEvent): Html {
  const about = aboutOf(body)
  return html`${card('What happened', [
    html`<p>${Object.hasOwn(catalogue, type) && catalogue[type].means}</p>`,
    facts([['When', exactly(at)], ...flat(fieldsOf(body)).filter(([name]) => name !== 'at')]),
    about.length > 0 &&
      html`<h3>Everything about</h3><ul>${about.map(one => html`<li>${eventsAbout(one)}</li>`)}</ul>`,
  ])}
${
  proof === undefined
    ? say('plain', html`<p>The log has not taken it in yet. That takes about a second; reload the page.</p>`)
    : card('Its place in the log', [
        facts([
          ['Leaf', proof.leaf],
          ['Hash of the leaf', html`<code>${hash.toString('hex')}</code>`],
          ['Checkpoint', html`${proof.checkpoint.size} leaves, ${exactly(proof.checkpoint.at)}`],
        ]),
        html`<h3>The signed checkpoint</h3><pre class="lines">${proof.checkpoint.note}</pre>
<h3>The proof</h3><p class="soft">The hashes beside its way up to the root (RFC 6962), in this order.</p>
<ol>${proof.hashes.map(one => html`<li><code>${one.toString('hex')}</code></li>`)}</ol>`,
      ])
}
${card(
  'As the log has it',
  html`<p class="soft">SHA-256 of a zero octet and this text is the hash of the leaf. The salt keeps that hash from being guessed.</p>
<pre class="lines">${body}</pre>
<p><a href="/v1/audit/${id}">All of this as JSON</a></p>`,
)}`
}

/** The fields of an event, those inside others under the names of both. */
function flat(value: object, before = ''): [string, Content][] {
  return Object.entries(value).flatMap(([name, held]: [string, unknown]): [string, Content][] => {
    const path = before === '' ? name : `${before} ${name}`
    if (typeof held === 'object' && held !== null) return flat(held, path)
    return [[path, foreign(typeof held === 'string' ? held : JSON.stringify(held))]]
  })
}
