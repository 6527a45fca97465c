import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Conversation } from '../conversation.ts'
import type { Credentials } from '../credentials.ts'
import { SessionFailure } from '../failure.ts'

type Login = NonNullable<Credentials['login']>

/**
 * Authenticates us to a server that has proved itself (RFC 4954), without the password leaving the house where the server
 * can do that (SCRAM-SHA-256), else by PLAIN. Rejects with `relay_authentication_failed`, which carries a code and no words:
 * a server may echo what it was sent.
 */
export async function logIn(talk: Conversation, offered: readonly string[], login: Login): Promise<void> {
  try {
    if (offered.includes('SCRAM-SHA-256')) await scram(talk, login)
    else if (offered.includes('PLAIN')) await plain(talk, login)
    else throw new SessionFailure('relay_authentication_failed')
  } catch (error) {
    if (!(error instanceof SessionFailure)) throw new SessionFailure('relay_authentication_failed')
    const { outcome, reply } = error
    throw new SessionFailure(outcome, reply === undefined ? {} : { reply: { code: reply.code, lines: [] } })
  }
}

async function plain(talk: Conversation, { username, password }: Login): Promise<void> {
  await talk.ask('auth', `AUTH PLAIN ${base64(`\0${username}\0${password}`)}`, 235)
}

const iterations = { least: 4096, most: 1_000_000 }

/** RFC 5802 and 7677, without channel binding. The server, too, has to show that it knows the password. */
async function scram(talk: Conversation, { username, password }: Login): Promise<void> {
  const nonce = randomBytes(24).toString('base64')
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  const challenge = await talk.ask('auth', `AUTH SCRAM-SHA-256 ${base64(`n,,${first}`)}`, 334)
  const server = textOf(challenge.lines[0])
  const [, joint = '', salt = '', rounds = ''] =
    /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([0-9]{1,7})$/.exec(server) ?? []
  const count = Number(rounds)
  if (!joint.startsWith(nonce) || joint === nonce || count < iterations.least || count > iterations.most)
    throw new SessionFailure('relay_authentication_failed')

  const salted = await promisify(pbkdf2)(
    password.normalize('NFKC'),
    Buffer.from(salt, 'base64'),
    count,
    32,
    'sha256',
  )
  const last = `c=biws,r=${joint}`
  const all = `${first},${server},${last}`
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(clientKey).digest(), all)
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)))
  const final = await talk.ask('auth', base64(`${last},p=${proof.toString('base64')}`), 334)
  const shown = Buffer.from(/^v=([A-Za-z0-9+/=]+)$/.exec(textOf(final.lines[0]))?.[1] ?? '', 'base64')
  const expected = hmac(hmac(salted, 'Server Key'), all)
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected))
    throw new SessionFailure('relay_authentication_failed')
  await talk.ask('auth', '', 235)
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function textOf(line: string | undefined): string {
  return Buffer.from(line ?? '', 'base64').toString()
}
