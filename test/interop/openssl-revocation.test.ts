import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/kernel/index.ts'
import { openRevocation } from '../../src/platform/revocation/index.ts'
import { openWorkplace, run, type Workplace } from './run.ts'

const url = 'http://crl.ca.test/ca.crl'

// What OpenSSL's own CA makes: keys of other kinds, CRL numbers, reasons, delegated responders. None of it is our code.
describe.each([
  ['RSA 3072', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'], []],
  ['RSA-PSS', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'], ['-sigopt', 'rsa_padding_mode:pss']],
  ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], []],
  ['Ed25519', ['-algorithm', 'ED25519'], []],
] as const)('a CA of OpenSSL with %s', (kind, keyOptions, signing) => {
  let home: Workplace
  let ca: X509Certificate
  const opened = new AsyncDisposableStack()
  const openssl = (...args: readonly string[]) => run('openssl', args)
  const path = (name: string): string => join(home.path, name)
  const certificate = async (name: string): Promise<X509Certificate> =>
    new X509Certificate(await readFile(path(`${name}.pem`)))

  beforeAll(async () => {
    home = opened.use(await openWorkplace())
    await home.file('index.txt', '')
    await home.file('ca.cnf', configuration(home.path))
    await openssl('genpkey', ...keyOptions, '-out', path('ca.key'))
    const self = ['-new', '-x509', '-days', '10', '-subj', '/CN=OpenSSL CA', '-extensions', 'authority']
    const key = ['-key', path('ca.key'), '-out', path('ca.pem')]
    await openssl('req', ...self, ...signing, '-config', path('ca.cnf'), ...key)
    ca = await certificate('ca')
    for (const [name, extensions] of [
      ['kept', 'server'],
      ['gone', 'server'],
      ['responder', 'responder'],
    ] as const) {
      const asked = ['-keyout', path(`${name}.key`), '-out', path(`${name}.csr`), '-nodes']
      await openssl('req', '-new', '-newkey', 'rsa:2048', '-subj', `/CN=${name}`, ...asked)
      const made = ['-in', path(`${name}.csr`), '-out', path(`${name}.pem`), '-extensions', extensions]
      await openssl('ca', '-batch', '-config', path('ca.cnf'), ...signing, ...made)
    }
    await openssl(
      'ca',
      '-config',
      path('ca.cnf'),
      '-revoke',
      path('gone.pem'),
      '-crl_reason',
      'keyCompromise',
    )
    await openssl('ca', '-config', path('ca.cnf'), ...signing, '-gencrl', '-out', path('crl.pem'))
    await openssl('crl', '-in', path('crl.pem'), '-outform', 'DER', '-out', path('crl.der'))
  })
  afterAll(() => opened.disposeAsync())

  function check(list: Buffer | undefined) {
    const store = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() }
    return openRevocation({ store, clock: systemClock, fetch: () => Promise.resolve(list) })
  }

  test('lists what it revoked', async () => {
    const asked = check(await readFile(path('crl.der')))
    expect(await asked(await certificate('gone'), ca, undefined)).toEqual({
      status: 'revoked',
      source: 'crl',
    })
    expect(await asked(await certificate('kept'), ca, undefined)).toEqual({ status: 'good', source: 'crl' })
  })

  test('answers by itself, and by a responder that it appointed', async () => {
    const signers = kind === 'RSA-PSS' ? ['responder'] : ['ca', 'responder']
    for (const signer of signers) {
      for (const [name, status] of [
        ['kept', 'good'],
        ['gone', 'revoked'],
      ] as const) {
        const from = ['-index', path('index.txt'), '-CA', path('ca.pem'), '-ndays', '1', '-resp_key_id']
        const by = ['-rsigner', path(`${signer}.pem`), '-rkey', path(`${signer}.key`)]
        const about = ['-issuer', path('ca.pem'), '-cert', path(`${name}.pem`), '-no_nonce']
        const out = ['-reqout', path('request.der')]
        await openssl('ocsp', ...about, ...out)
        const asked = ['-reqin', path('request.der'), '-respout', path('response.der')]
        await openssl('ocsp', ...from, ...by, ...asked)
        const staple = await readFile(path('response.der'))
        const said = await check(undefined)(await certificate(name), ca, staple)
        expect(said, `${signer} on ${name}`).toEqual({ status, source: 'ocsp' })
      }
    }
  })
})

function configuration(home: string): string {
  return `[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[ca]
default_ca = own
[own]
database = ${home}/index.txt
new_certs_dir = ${home}
rand_serial = yes
default_md = default
default_days = 5
default_crl_days = 2
policy = any
certificate = ${home}/ca.pem
private_key = ${home}/ca.key
crl_extensions = list
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
crlDistributionPoints = URI:${url}
[responder]
extendedKeyUsage = OCSPSigning
keyUsage = critical,digitalSignature
noCheck = ignored
[list]
authorityKeyIdentifier = keyid
`
}
