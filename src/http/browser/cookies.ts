import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'

/** Bound to this host, this path and TLS by their prefix (RFC 6265bis section 4.1.3.2): no other host can set them. */
type CookieName = '__Host-operator' | '__Host-enrolment'

const value = /^[A-Za-z0-9_-]{20,128}$/

/** The cookie's value; undefined when there is none, more than one, or one that we cannot have made. */
export function readCookie(request: IncomingMessage, name: CookieName): string | undefined {
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1))
  const [only, other] = found
  return only !== undefined && other === undefined && value.test(only) ? only : undefined
}

/** For as long as the browser runs; how long the session lives is the server's to know. */
export function setCookie(response: Response, name: CookieName, session: string): void {
  response.append('Set-Cookie', `${name}=${session}; Path=/; Secure; HttpOnly; SameSite=Strict`)
}

export function clearCookie(response: Response, name: CookieName): void {
  response.append('Set-Cookie', `${name}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0`)
}
