import { readFileSync } from 'node:fs'
import { outcomes } from '../src/delivery/outcome.ts'
import {
  hostileMatrix,
  matrixLevels,
  rowsOf,
  rowsOfWaiting,
  type Situation,
  situations,
  waitingSteps,
} from '../test/delivery/hostile/matrix.ts'
import { routeSituations } from '../test/delivery/route/situations.ts'

type Row = readonly string[]

/** docs/tls.md: its tables are the data of the tests, its text stands here. */
export function tlsPage(note: string): string {
  return `${note}

# TLS, how it is enforced

Mail leaves over a connection whose TLS authenticated the server, or it does not leave. There is no setting for
"opportunistic". The tables below are not written by hand: they are the lists that the tests go through.

## The rule of a domain

A recipient's domain has a rule ([destinations.md](destinations.md)); without one nothing is sent to it. A server is
authenticated in one of four ways, the strongest first, compared in one place (\`src/delivery/level.ts\`):

| Level | What authenticates the server | Where that comes from |
| --- | --- | --- |
| \`dane\` | a TLSA record (RFC 7672) | DNSSEC, by a validating resolver on loopback that was tested at start |
| \`pinned\` | a key or a CA, and the name | two operators |
| \`mta_sts\` | a public CA, and a name that the domain's policy lists in mode enforce (RFC 8461) | HTTPS of the domain, then a cache until max_age |
| \`secure\` | a public CA, and a name from a list | two operators |

The rule \`auto\` takes DANE where it is to be had, else MTA-STS, else refuses. \`floor\` in a rule, and the floor of the crypto
policy in force, demand more. Each server of a domain has to show its own strongest proof: nothing that an attacker can
suppress leads to a weaker one.

What comes of what DNS and the domain's policy say (\`test/delivery/route/situations.test.ts\`). A level means that the server
is tried and must show that; anything else is the [outcome](outcomes.md), and no connection is made.

${table(
  ['Situation', '`auto`', '`auto`, floor `dane`', '`secure` or `pinned`'],
  routeSituations.map(one => [one.situation, ...[one.auto, one.floorDane, one.listed].map(wayWord)]),
)}

## A session

EHLO, STARTTLS, handshake (or TLS from the first byte, by the rule), a fresh EHLO, the verdict, and only then MAIL FROM. In clear
we say EHLO, STARTTLS and QUIT, and nothing else. TLS 1.2 with forward secrecy and an AEAD, or 1.3; hybrid post-quantum groups are
offered first. Sessions are never resumed. A reply that is not exact RFC 5321, or that nobody asked for, ends the session.
Every step and the whole are bounded in time and octets.

How a session ends, by what the server does (\`test/delivery/hostile-matrix.test.ts\`, from the octets captured on the wire):

${table(
  ['The server', ...matrixLevels.map(name => levelWords[name])],
  (Object.keys(situations) as Situation[]).map(one => [
    one,
    ...rowsOf(one).map(({ outcome }) => word(outcome)),
  ]),
)}

And when it keeps us waiting, whatever the level:

${table(
  ['At', 'silence', 'a slow drip', 'an endless reply'],
  waitingSteps.map(step => [
    step,
    ...(['silence', 'a slow drip', 'an endless reply'] as const).map(kind =>
      [...new Set(rowsOfWaiting(step, kind).map(({ outcome }) => word(outcome)))].join(', '),
    ),
  ]),
)}

Every outcome above but \`delivered\` and ${lasting()} is temporary: the delivery waits, is tried again, and fails by
name when the time of the policy is over. ${Object.keys(outcomes).length} outcomes in all: [outcomes.md](outcomes.md).

## Revocation

After the handshake, and before EHLO is said again, the server's certificate and the CAs above it are looked up:

1. The stapled OCSP response, if there is one (RFC 6960), and then nobody else is asked. It must be signed by the CA or by a
   responder that the CA itself appointed for that (OCSPSigning, and \`id-pkix-ocsp-nocheck\`), be of this certificate, and fresh.
   Anything else is \`stale\`. A certificate that demands a staple (RFC 7633) and comes without one is \`stale\`.
2. The lists (CRL) that the certificate names. Signed by its issuer, full, for this certificate's distribution point, fresh;
   deltas, indirect lists, lists of some reasons, SHA-1 are refused. Kept in memory and in the database, asked for again after
   an hour, used until their end; an older list never replaces a newer one.
3. The OCSP responder that it names.

Of the CAs above it only a revocation counts: many publish nothing of themselves.

| Known | What happens |
| --- | --- |
| \`revoked\`, the server's or a CA's | \`tls_certificate_revoked\`, whatever the policy |
| \`good\` | goes on |
| \`stale\`: the CA publishes something, nothing sound and fresh is to be had | \`tls_revocation_stale\`: it waits |
| \`unknown\`: the certificate names neither list nor responder | the same where the crypto policy says \`"revocation": "required"\`; with \`"when_known"\` it goes on, and the evidence says so |
| \`not_applicable\`: DANE, a pinned key alone, or a pinned certificate that signed itself | goes on: what is trusted is taken back by changing the TLSA record or the pin |

## The exceptions

What is not TLS, all of it:

| What | Why it may be | What guards it |
| --- | --- | --- |
| fetching lists and OCSP responses, over http as their CAs publish them | they carry the signature of the CA; nothing secret is asked, nothing is believed before the signature is verified | \`src/platform/revocation/fetch.ts\`, the only file that may import Node's HTTP client (lint \`house/plain-http-for-signed\`); no private addresses, two redirects, 16 MiB, 15 seconds |
| DNS to the validating resolver | loopback only; \`SEALPOST_DNS_RESOLVER\` refuses every other address | a test at start, and in \`doctor\`, that it validates; otherwise DANE is off, loudly |
| DNS by the system's resolver, where no validating one is set | what it says is taken for no proof: no DANE, and an MTA-STS policy or an admin's list names the servers | |
| PostgreSQL by a unix socket | it never leaves the host | permissions of the socket's directory |
| EHLO, STARTTLS and QUIT | SMTP begins in clear | nothing is said there that is not public |

And what is TLS, but less than the profile: a PostgreSQL that cannot speak TLS 1.3 may speak 1.2 until a day that is set with
the reason (\`SEALPOST_DATABASE_TUNNEL_UNTIL\`), verified as ever. From that day on the gateway does not start.

## Evidence

Each attempt that reached a verdict keeps this, in the delivery's record and in the audit event of the attempt:

${table(['Field', 'Meaning'], evidenceFields())}

The server's final reply is kept beside it: its code, and its text cut short and with card numbers masked.
`
}

/** Those of the tables after which nothing is tried again. */
function lasting(): string {
  const routed = routeSituations.flatMap(one => [one.auto, one.floorDane, one.listed])
  const met = hostileMatrix.map(({ outcome }) => outcome)
  const known: Readonly<Record<string, readonly [string, string]>> = outcomes
  const found = [...new Set([...routed, ...met])].filter(name => known[name]?.[0] === 'permanent')
  return found.map(name => `\`${name}\``).join(' and ')
}

const levelWords: Readonly<Record<(typeof matrixLevels)[number], string>> = {
  'dane-ee': 'DANE-EE',
  'dane-ta': 'DANE-TA',
  'pinned-key': 'pinned key',
  'pinned-ca': 'pinned CA',
  mta_sts: 'MTA-STS',
  secure: 'secure',
}

const levels = ['dane', 'pinned', 'mta_sts', 'secure']

function word(outcome: string): string {
  return outcome === 'delivered' ? '**delivered**' : `\`${outcome}\``
}

function wayWord(way: string): string {
  return levels.includes(way) ? `**${way}**` : `\`${way}\``
}

/** The fields of TlsEvidence with what their docstrings say. */
function evidenceFields(): Row[] {
  const source = readFileSync(new URL('../src/audit/events/tls-evidence.ts', import.meta.url), 'utf8')
  const body = /export interface TlsEvidence \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? ''
  const fields = [...body.matchAll(/(?: {2}\/\*\*([\s\S]*?)\*\/\n)? {2}readonly (\w+)\??:/g)]
  if (fields.length < 8) throw new Error('the evidence cannot be read any more')
  return fields.map(([, comment = '', name = '']) => [
    `\`${name}\``,
    comment.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim() || (plain[name] ?? ''),
  ])
}

const plain: Readonly<Record<string, string>> = {
  version: 'Of TLS, as negotiated.',
  cipher: 'The suite, as OpenSSL names it.',
  group: 'The group of the key exchange; `X25519MLKEM768` where the server knows post-quantum ones.',
}

function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
