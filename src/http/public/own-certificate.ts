import type { Express, RequestHandler, Response } from 'express'
import { armour, SealpostError } from '../../kernel/index.ts'
import { fingerprintWords, grouped, wkdUrls } from '../../keys/index.ts'
import { refuseMethod, sendPage } from '../browser/frame.ts'
import { html } from '../page/html.ts'
import { card, fingerprint, foreign } from '../page/parts.ts'
import type { PublicContext } from './dependencies.ts'

/**
 * The gateway's own certificate, which recipients verify our mails with: a page for people, a file, and a Web Key Directory by both
 * methods of draft-koch-openpgp-webkey-service-20, section 3.1, for our one address.
 */
export function routeOwnCertificate(app: Express, { own, site, organisation }: PublicContext): void {
  const current = async () => {
    const found = await own.certificate()
    if (found === undefined) throw new SealpostError('not_found')
    return found
  }
  const urls = Object.values(wkdUrls(own.address))
  const directories = urls.map(({ pathname }) => pathname.replace(/\/hu\/.*$/, ''))
  const anyone = (response: Response) =>
    response.set({ 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' })

  const certificate: RequestHandler = async (request, response) => {
    // Other local parts may have the same digest; which one was meant need not be said.
    const local = new URL(request.url, urls[0]).searchParams.get('l')
    const isOurs = urls.some(
      ({ pathname, searchParams }) =>
        pathname === request.path && (local === null || local.toLowerCase() === searchParams.get('l')),
    )
    if (!isOurs) throw new SealpostError('not_found')
    const found = await current()
    anyone(response).type('application/octet-stream').send(Buffer.from(found.certificate))
  }
  // Its being there says that there is a directory (section 4.5).
  const policy: RequestHandler = (request, response) => {
    if (!directories.some(path => `${path}/policy` === request.path)) throw new SealpostError('not_found')
    anyone(response).type('text/plain').send('')
  }
  app.route('/.well-known/openpgpkey/hu/:name').get(certificate).all(refuseMethod('GET, HEAD'))
  app.route('/.well-known/openpgpkey/:domain/hu/:name').get(certificate).all(refuseMethod('GET, HEAD'))
  app.route('/.well-known/openpgpkey/policy').get(policy).all(refuseMethod('GET, HEAD'))
  app.route('/.well-known/openpgpkey/:domain/policy').get(policy).all(refuseMethod('GET, HEAD'))

  app
    .route('/our-key.asc')
    .get(async (_request, response) => {
      const { certificate } = await current()
      anyone(response)
        .attachment('our-key.asc')
        .type('application/pgp-keys')
        .send(armour('PUBLIC KEY BLOCK', certificate))
    })
    .all(refuseMethod('GET, HEAD'))

  app
    .route('/our-key')
    .get(async (_request, response) => {
      const { fingerprint: hex } = await current()
      const body = card(
        'What our mails are signed with',
        html`<p>Every mail from ${foreign(organisation)} by this service is signed by
<strong>${own.address}</strong>. Take the key into your program once: it then tells our mails from forged
ones.</p><p><a href="/our-key.asc">Download the public key</a></p>${fingerprint({
          groups: grouped(hex),
          words: fingerprintWords(hex),
        })}`,
      )
      sendPage(response, site, { title: 'Our public key', body })
    })
    .all(refuseMethod('GET, HEAD'))
}
