import { once } from 'node:events'
import type { SecureContextOptions } from 'node:tls'
import type { Proof } from '../../../src/delivery/route/route.ts'
import { createAuthority, type Identity } from '../../../src/platform/pki/index.ts'
import { newKey, order, spkiOf, tlsaFor } from '../../support/mail-certificates.ts'
import { oddCertificate } from '../../support/odd-certificates.ts'
import type { ScriptedClient } from '../../support/smtp-sink.ts'
import type { MatrixLevel, Situation, Transport, WaitingKind, WaitingStep } from './matrix.ts'

const name = 'Mail CA'
/** The CA that is pinned, in DNS, or public, and the key that is. */
export const authority = await createAuthority({ commonName: name, days: 2 })
const key = newKey()
export const honest = await order(authority, { names: ['mx.test'], key })

/** What a server has to show, by level. */
export const proofs: Readonly<Record<MatrixLevel, Proof>> = {
  'dane-ee': { level: 'dane', tlsa: [tlsaFor(honest, 3, 1, 1)], names: ['mx.test'] },
  'dane-ta': { level: 'dane', tlsa: [tlsaFor(authority, 2, 0, 1)], names: ['mx.test'] },
  'pinned-key': { level: 'pinned', pins: { spkiSha256: [spkiOf(honest)] } },
  'pinned-ca': { level: 'pinned', pins: { ca: authority.certificate } },
  mta_sts: { level: 'mta_sts', policyId: '20261121' },
  secure: { level: 'secure' },
}

type Script = (client: ScriptedClient, tls: Transport) => Promise<void>

const other = await createAuthority({ commonName: name, days: 2 })
const hour = 3_600_000

function presents(leaf: Identity, ...above: readonly Identity[]): SecureContextOptions {
  return { key: leaf.key, cert: [leaf, ...above].map(({ certificate }) => certificate).join('') }
}
const whole = presents(honest, authority)

const certificates: Partial<Record<Situation, SecureContextOptions>> = {
  'all is well': whole,
  'the certificate was revoked': whole,
  'the certificate is self-signed': presents(await order(undefined, { names: ['mx.test'] })),
  'the certificate is self-signed, with the known key': presents(
    await order(undefined, { names: ['mx.test'], key }),
  ),
  'the certificate is of an unknown CA of the same name': presents(
    await order(other, { names: ['mx.test'] }),
    other,
  ),
  'the certificate is of an unknown CA, and the known CA is sent along': presents(
    await order(other, { names: ['mx.test'] }),
    authority,
  ),
  'the CA’s certificate is not sent': presents(honest),
  'the key is new': presents(await order(authority, { names: ['mx.test'] }), authority),
  'the certificate bears another name': presents(
    await order(authority, { names: ['evil.test'], key }),
    authority,
  ),
  'the name is only the common name': presents(await order(authority, { key }), authority),
  'the name is a partial wildcard': presents(await order(authority, { names: ['m*.test'], key }), authority),
  'the certificate has expired': presents(
    await order(authority, { names: ['mx.test'], key, to: -hour }),
    authority,
  ),
  'the certificate is not valid yet': presents(
    await order(authority, { names: ['mx.test'], key, from: hour }),
    authority,
  ),
  'the certificate is a client’s': presents(
    await order(authority, { names: ['mx.test'], key, usage: 'client' }),
    authority,
  ),
  'the server speaks TLS 1.1 at most': {
    ...whole,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  },
  'the server has no suite with forward secrecy': {
    ...presents(await oddCertificate.rsa(authority, 'mx.test'), authority),
    maxVersion: 'TLSv1.2',
    ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0',
  },
  'the server has only suites without AEAD': {
    ...whole,
    maxVersion: 'TLSv1.2',
    ciphers: 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0',
  },
  'the server speaks TLS 1.2': { ...whole, maxVersion: 'TLSv1.2' },
  'REQUIRETLS is a must and is not offered': whole,
}

/** Answers each line, for as long as the client speaks, with a yes. */
async function agreeToAnything(client: ScriptedClient): Promise<void> {
  let content = false
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    if (content && line !== '.') continue
    content = line === 'DATA'
    client.send(content ? '354 go on\r\n' : '250 fine\r\n')
  }
}

const hello = '250-mx.test\r\n250 STARTTLS\r\n'

/** All of a session up to the EHLO inside TLS. */
async function untilSecure(client: ScriptedClient, tls: Transport, options = whole): Promise<void> {
  if (tls === 'starttls') {
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(hello)
    await client.line()
    client.send('220 go\r\n')
  }
  await client.startTls(options)
  if (tls === 'implicit') client.send('220 mx.test\r\n')
}

function withCertificate(options: SecureContextOptions): Script {
  return async (client, tls) => {
    await untilSecure(client, tls, options)
    await agreeToAnything(client)
  }
}

/** Says `greeting` and answers the first EHLO with `reply`. */
function greets(greeting: string, reply = hello): Script {
  return async (client, tls) => {
    if (tls === 'implicit') await client.startTls(whole)
    client.send(greeting)
    await client.line()
    client.send(reply)
    await agreeToAnything(client)
  }
}

function answersStartTls(reply: string, offer = hello): Script {
  return async client => {
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(offer)
    await client.line()
    client.send(reply)
    if (reply.startsWith('220')) await client.startTls(whole)
    await agreeToAnything(client)
  }
}

const hangsUp: Script = async (client, tls) => {
  if (tls === 'starttls') {
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(hello)
    await client.line()
    client.send('220 go\r\n')
  }
  await once(client.socket, 'data')
  client.socket.end()
}

const clearAnswer: Script = async (client, tls) => {
  if (tls === 'starttls') {
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(hello)
    await client.line()
    client.send('220 go\r\n')
  }
  await once(client.socket, 'data')
  client.send('250 who needs TLS\r\n'.repeat(4))
  await agreeToAnything(client)
}

const odd: Partial<Record<Situation, Script>> = {
  'STARTTLS is not offered': greets('220 mx.test\r\n', '250-mx.test\r\n250 SIZE 1000\r\n'),
  'STARTTLS stands only inside another word': greets(
    '220 mx.test\r\n',
    '250-mx.test STARTTLS\r\n250-XSTARTTLS\r\n250 NO STARTTLS\r\n',
  ),
  'STARTTLS is refused for now': answersStartTls('454 not now\r\n'),
  'STARTTLS is refused for good': answersStartTls('554 5.7.3 no TLS\r\n'),
  'STARTTLS is answered 421': answersStartTls('421 bye\r\n'),
  'STARTTLS is answered 250': answersStartTls('250 sure\r\n'),
  'STARTTLS is answered before it is asked for': answersStartTls('', `${hello}220 go\r\n`),
  'the server hangs up at STARTTLS': async client => {
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(hello)
    await client.line()
  },
  'a reply is injected after the STARTTLS reply': answersStartTls(
    '220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n',
  ),
  'half a line is injected after the STARTTLS reply': answersStartTls('220 go\r\n250'),
  'the handshake is answered in clear': clearAnswer,
  'implicit TLS is answered in clear': clearAnswer,
  'the greeting says that we are authenticated already': greets('250 PREAUTH welcome\r\n'),
  'the server greets twice': greets('220 mx.test\r\n220 mx.test\r\n'),
  'the greeting is 421': greets('421 too many connections\r\n'),
  'the greeting is a refusal for good': greets('554 no service\r\n'),
  'EHLO is refused, HELO would do': greets('220 mx.test\r\n', '502 5.5.1 HELO only\r\n'),
  'EHLO is answered 421': greets('220 mx.test\r\n', '421 bye\r\n'),
  'EHLO is answered twice': greets('220 mx.test\r\n', `${hello}${hello}`),
  'the server hangs up in the handshake': hangsUp,
}

export function scriptOf(situation: Situation): Script {
  const script = odd[situation] ?? withCertificate(certificates[situation]!)
  return script
}

const instead: Readonly<Record<WaitingKind, (client: ScriptedClient) => void>> = {
  silence: () => undefined,
  'a slow drip': client => {
    const timer = setInterval(() => client.send('2'), 100)
    client.socket.once('close', () => clearInterval(timer))
  },
  'an endless reply': client => {
    const more = (): void => {
      if (!client.socket.destroyed)
        client.socket.write(Buffer.alloc(65_536, '250-x\r\n'), () => setImmediate(more))
    }
    more()
  },
}

/** A proper server up to `stop`; from then on `kind`. */
export function waitingScript(stop: WaitingStep, kind: WaitingKind): Script {
  return async (client, tls) => {
    const at = async (step: WaitingStep, reply: string): Promise<void> => {
      if (step === stop) {
        instead[kind](client)
        await new Promise(() => undefined)
      }
      client.send(reply)
    }
    if (tls === 'starttls') {
      await at('the greeting', '220 mx.test\r\n')
      await client.line()
      await at('EHLO', hello)
      await client.line()
      await at('STARTTLS', '220 go\r\n')
    }
    await at('the handshake', '')
    await client.startTls(whole)
    if (tls === 'implicit') await at('the greeting', '220 mx.test\r\n')
    await client.line()
    await at('EHLO inside TLS', '250 mx.test\r\n')
    await client.line()
    await at('MAIL FROM', '250 ok\r\n')
    await client.line()
    await at('RCPT TO', '250 ok\r\n')
    await client.line()
    await at('DATA', '354 go on\r\n')
    for (let line = await client.line(); line !== '.'; line = await client.line())
      if (line === undefined) return
    await at('the final dot', '250 ok\r\n')
  }
}
