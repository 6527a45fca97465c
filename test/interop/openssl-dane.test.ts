import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { tlsaFor } from '../support/mail-certificates.ts'
import { authority, deliverBy, identity, openRoute, routeTo } from '../support/sessions.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'
import { attempt, openWorkplace, run, type Workplace } from './run.ts'

/** Certificates that the openssl program made, by name. */
interface Made {
  readonly certificate: string
  readonly key: string
}

const ca = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
const server = (name: string): string =>
  `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:${name}`

let place: Workplace
const made = new Map<string, Made>()

/** Certifies a new key under `issuer`, or by itself. */
async function certify(
  name: string,
  issuer: string | undefined,
  extensions: string,
  { kind = 'EC', days = 2 }: { kind?: 'EC' | 'RSA'; days?: number } = {},
): Promise<void> {
  const algorithm =
    kind === 'EC'
      ? ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
      : ['RSA', '-pkeyopt', 'rsa_keygen_bits:3072']
  const { output: key } = await run('openssl', ['genpkey', '-algorithm', ...algorithm])
  const keyFile = await place.file(`${name}.key`, key)
  const { output: request } = await run('openssl', ['req', '-new', '-key', keyFile, '-subj', `/CN=${name}`])
  const signer =
    issuer === undefined
      ? ['-key', keyFile]
      : ['-CA', `${place.path}/${issuer}.pem`, '-CAkey', `${place.path}/${issuer}.key`]
  const { output } = await run('openssl', [
    ...['x509', '-req', '-in', await place.file(`${name}.csr`, request), '-days', String(days)],
    ...['-extfile', await place.file(`${name}.ext`, extensions), ...signer],
  ])
  await place.file(`${name}.pem`, output)
  made.set(name, { certificate: output.toString(), key: key.toString() })
}
const of = (name: string): Made => made.get(name)!

beforeAll(async () => {
  place = await openWorkplace()
  await certify('root', undefined, ca)
  await certify('middle', 'root', ca, { kind: 'RSA' })
  await certify('leaf', 'middle', server('mx.test'))
  await certify('misnamed', 'middle', server('mx.evil.test'))
  await certify('wild', 'middle', server('*.test'), { kind: 'RSA' })
  await certify('alone', undefined, server('mx.test'))
  await certify('stranger', undefined, server('other.test'))
  await certify('short', undefined, `${ca}\nnameConstraints=critical,permitted;DNS:bank.test`)
  await certify('outside', 'short', server('mx.test'))
  await certify(
    'narrow',
    undefined,
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign',
  )
  await certify('below', 'narrow', ca)
  await certify('deep', 'below', server('mx.test'))
  await certify('user', 'middle', server('mx.test').replace('serverAuth', 'clientAuth'))
  await certify('beneath', 'leaf', server('mx.test'))
})
afterAll(() => place[Symbol.asyncDispose]())

let mail: HostileServer | undefined
afterEach(async () => {
  await mail?.stop()
  mail = undefined
})

async function start(chain: readonly string[]): Promise<number> {
  const [own = ''] = chain
  const cert = chain.map(name => of(name).certificate).join('')
  mail = await startHostile(identity, async client => {
    await client.startTls({ cert, key: of(own).key })
    client.send('220 mx.test\r\n')
    let content = false
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (content && line !== '.') continue
      content = line === 'DATA'
      client.send(content ? '354 go on\r\n' : '250 fine\r\n')
    }
  })
  return mail.port
}

// Chain that is sent, the certificate that the record is of, and the record's kind.
const cases: readonly (readonly [string, string, readonly [number, number, number], boolean])[] = [
  ['alone', 'alone', [3, 1, 1], true],
  ['alone', 'alone', [3, 0, 2], true],
  ['alone', 'stranger', [3, 1, 1], false],
  ['stranger', 'stranger', [3, 1, 1], true],
  ['misnamed middle', 'misnamed', [3, 1, 0], true],
  ['user middle', 'user', [3, 1, 1], true],
  ['leaf middle root', 'root', [2, 0, 1], true],
  ['leaf middle root', 'middle', [2, 1, 1], true],
  ['leaf middle', 'middle', [2, 0, 2], true],
  ['leaf middle', 'middle', [2, 0, 0], true],
  ['leaf', 'middle', [2, 0, 1], false],
  ['leaf middle', 'root', [2, 0, 1], false],
  ['leaf middle', 'root', [2, 0, 0], true],
  // A whole top-level domain is no name.
  ['wild middle', 'middle', [2, 1, 1], false],
  ['misnamed middle', 'middle', [2, 1, 1], false],
  ['alone middle', 'middle', [2, 1, 1], false],
  ['user middle', 'middle', [2, 1, 1], false],
  ['outside short', 'short', [2, 0, 1], false],
  ['deep below narrow', 'narrow', [2, 0, 1], false],
  ['deep below narrow', 'below', [2, 0, 1], true],
  ['beneath leaf middle', 'leaf', [2, 0, 1], false],
  ['leaf middle root', 'leaf', [2, 0, 1], false],
]

describe('OpenSSL’s own DANE and ours say the same of', () => {
  test.each(cases)('%s, by a record of %s, %j', async (chain, subject, [usage, selector, type], accepted) => {
    const port = await start(chain.split(' '))
    const record = tlsaFor(of(subject), usage, selector, type)
    const { outcome } = await deliverBy(
      routeTo(port, { level: 'dane', tlsa: [record], names: ['mx.test'] }, { tls: 'implicit' }),
    )
    const { status, output } = await attempt('openssl', [
      ...['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error', '-dane_ee_no_namechecks'],
      ...['-dane_tlsa_domain', 'mx.test'],
      ...['-dane_tlsa_rrdata', `${usage} ${selector} ${type} ${record.data}`],
    ])
    expect(
      { ours: outcome === 'delivered', theirs: status === 0 },
      `${outcome}\n${output.toString()}`,
    ).toEqual({
      ours: accepted,
      theirs: accepted,
    })
  })
})

test('a relay that refuses our certificate with an alert is named as that', async () => {
  const clients = await createAuthority({ commonName: 'Clients', days: 1 })
  const child = spawn('openssl', [
    ...['s_server', '-accept', '127.0.0.1:0', '-Verify', '1', '-verify_return_error'],
    ...['-cert', await place.file('relay.pem', identity.certificate)],
    ...['-key', await place.file('relay.key', identity.key)],
    ...['-CAfile', await place.file('clients.pem', clients.certificate)],
  ])
  try {
    let said = ''
    let port: number | undefined
    while (port === undefined) {
      const [more] = (await once(child.stdout, 'data')) as [Buffer]
      said += more.toString()
      const [, digits] = /ACCEPT .*:([0-9]+)\n/.exec(said) ?? []
      if (digits !== undefined) port = Number(digits)
    }
    const stranger = await createAuthority({ commonName: 'Strangers', days: 1 })
    const shown = await issueClientCertificate(stranger, { dns: 'gateway.test', days: 1 })
    const proof = { level: 'pinned', pins: { ca: authority.certificate } } as const
    const route = routeTo(port, proof, { tls: 'implicit', credentials: () => ({ identity: shown }) })
    expect(await openRoute(route)).toMatchObject({ ok: false, outcome: 'relay_authentication_failed' })
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})
