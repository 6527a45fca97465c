import { randomBytes } from 'node:crypto'
import type { DestinationRule } from '../../src/delivery/index.ts'
import { routeToListed } from '../../src/delivery/route/listed.ts'
import type { Proof, Route } from '../../src/delivery/route/route.ts'
import type { ChannelOptions } from '../../src/delivery/smtp/open-channel.ts'
import { type Opening, openSession } from '../../src/delivery/smtp/open-session.ts'
import type { SendOptions, SendResult } from '../../src/delivery/smtp/session.ts'
import { type WireMessage, wireMessage } from '../../src/delivery/wire-message.ts'
import { type Address, type Ciphertext, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { hostsAt } from './dns.ts'

export const authority = await createAuthority({ commonName: 'Mail CA', days: 2 })
export const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })

type OpenRoute = Extract<Route, { ok: true }>

export const envelope = { from: 'gateway@payments.test' as Address, to: 'ada@bank.test' as Address }
/** What must never be seen in clear, nor by a server that did not prove itself. */
export const secretWords = /MAIL FROM|RCPT TO|DATA|payments\.test|bank\.test|BEGIN PGP/i

export type SessionSettings = ChannelOptions & {
  readonly lookup: (host: string) => Promise<readonly string[]>
  readonly mayConnect: (address: string) => boolean
}

/** Limits that no sound server meets, however busy the machine. */
export const patiently: SessionSettings = {
  clock: systemClock,
  mailHost: 'gateway.test',
  publicCa: undefined,
  limits: { connect: 10_000, reply: 10_000, opening: 20_000, transaction: 10_000, bytesPerSecond: 1_000_000 },
  lookup: () => Promise.resolve(['127.0.0.1']),
  mayConnect: () => true,
}

/** For servers that keep us waiting. */
export const briefly: SessionSettings = {
  ...patiently,
  limits: { connect: 500, reply: 300, opening: 1200, transaction: 1000, bytesPerSecond: 1_000_000 },
}

export function rule(
  port: number,
  pins: Extract<DestinationRule, { mode: 'pinned' }>['pins'] = { ca: authority.certificate },
  tls: 'starttls' | 'implicit' = 'starttls',
): Extract<DestinationRule, { mode: 'pinned' }> {
  return { mode: 'pinned', hosts: [{ name: 'mx.test', port, tls }], pins }
}

export function mail(bytes = 600): WireMessage {
  const outer = { ...envelope, date: 'Fri, 20 Nov 2026 20:35:55 +0000', messageId: '<1@gateway.test>' }
  return wireMessage(outer, randomBytes(bytes) as unknown as Ciphertext, 'seipdv1')
}

/** A mail of these very bytes, for attacks that no ciphertext could carry. */
export function rawMail(text: string): WireMessage {
  const bytes = Buffer.from(text, 'latin1')
  return { size: bytes.length, chunks: () => [bytes] }
}

/** A route to the one server at this port of this host, `mx.test`, that has to show `proof`. */
export function routeTo(
  port: number,
  proof: Proof,
  more: Partial<Pick<OpenRoute, 'requireTls' | 'credentials'>> & {
    readonly tls?: 'starttls' | 'implicit'
  } = {},
): OpenRoute {
  const { tls = 'starttls', requireTls, ...rest } = more
  const host = { name: 'mx.test', port, tls }
  return {
    ok: true,
    asked: 'auto',
    requireTls,
    limits: undefined,
    ...rest,
    candidates: [{ host, addresses: ['127.0.0.1'], proof }],
  }
}

export function openRoute(route: OpenRoute, settings: Partial<ChannelOptions> = {}): Promise<Opening> {
  return openSession(route, { ...patiently, ...settings }, () => undefined)
}

/** Opens a session on this route, sends one mail, hangs up. */
export async function deliverBy(
  route: OpenRoute,
  settings: Partial<ChannelOptions> = {},
  options: SendOptions = {},
): Promise<Pick<SendResult, 'outcome'>> {
  const opening = await openRoute(route, settings)
  if (!opening.ok) return opening
  const result = await opening.session.send(envelope, mail(), options)
  opening.session.close()
  return result
}

type Listed = Exclude<DestinationRule, { mode: 'auto' }>

export async function open(to: Listed, settings: Partial<SessionSettings> = {}): Promise<Opening> {
  const { lookup, mayConnect, ...options } = { ...patiently, ...settings }
  return openSession(await routeToListed(to, hostsAt(lookup), mayConnect), options, () => undefined)
}

/** Opens a session, sends one mail, hangs up. */
export async function deliver(
  to: Listed,
  message = mail(),
  options: Partial<SessionSettings> = {},
): Promise<Pick<SendResult, 'outcome'>> {
  const opening = await open(to, options)
  if (!opening.ok) return opening
  const result = await opening.session.send(envelope, message)
  opening.session.close()
  return result
}
