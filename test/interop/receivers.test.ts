import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { address } from '../sealer/support.ts'
import { type House, openHouse } from '../support/house.ts'
import { activateRecipient, setDestination } from '../support/shortcut.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { startExim } from './exim.ts'
import { GnuPg } from './gnupg.ts'
import { startPostfix } from './postfix.ts'
import type { Receiver, ReceiverTls } from './receiver.ts'
import { type Sample, samples } from './samples.ts'
import { deliveryAttempted, deliverySettled, expectMail, post } from './through-gateway.ts'

const programs = ['postfix', 'exim'] as const
type Program = (typeof programs)[number]

const sample = samples['text, html and attachments'] as Sample
const opened = new AsyncDisposableStack()
let house: House
let gpg: GnuPg
let gateway: string
let sound: Identity
let misnamed: Identity
let foreign: Identity

beforeAll(async () => {
  house = opened.adopt(await openHouse(), running => running.close())
  gpg = opened.use(await GnuPg.open())
  await gpg.run(['--import'], house.signer)
  gateway = await gpg.fingerprint('gateway@gateway.test')
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  sound = await issueServerCertificate(house.mailAuthority, { dnsNames: ['localhost'], days: 1 })
  misnamed = await issueServerCertificate(house.mailAuthority, { dnsNames: ['mx.bank.test'], days: 1 })
  foreign = await issueServerCertificate(other, { dnsNames: ['localhost'], days: 1 })
})
afterAll(() => opened.disposeAsync())

async function start(program: Program, identity: Identity, mailbox: string, tls: ReceiverTls) {
  const receiver: Receiver =
    program === 'postfix'
      ? await startPostfix(identity, { [mailbox]: 'keep' }, tls)
      : await startExim(identity, { tls, domains: [domainOf(mailbox)] })
  return opened.use(receiver)
}

/** Enrols a mailbox with a key of GnuPG; mail for its domain goes to that port of localhost. */
async function enrol(mailbox: string, port: number, requireTls?: 'must'): Promise<void> {
  const certificate = await gpg.exported(await gpg.generate(mailbox, 'ed25519', 'cv25519'))
  await activateRecipient(house.owner, address(mailbox), certificate)
  await setDestination(house.owner, domainOf(mailbox), {
    mode: 'pinned',
    hosts: [{ name: 'localhost', port, tls: 'starttls' }],
    pins: { ca: house.mailAuthority.certificate },
    ...(requireTls === undefined ? {} : { requireTls }),
  })
}

const domainOf = (mailbox: string): string => mailbox.slice(mailbox.indexOf('@') + 1)
const digestOf = ({ certificate }: Identity): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()

describe.each(programs)('%s', program => {
  test.each(['1.2', '1.3'] as const)('that speaks TLS %s only receives what gpg decrypts', async version => {
    const mailbox = `reader@tls${version.replace('.', '')}.${program}.test`
    const receiver = await start(program, sound, mailbox, version)
    await enrol(mailbox, receiver.port)
    const delivery = await deliverySettled(house, await post(house, sample, mailbox), 'delivered')
    expect(delivery.attempts).toMatchObject([{ outcome: 'delivered', host: 'localhost', replyCode: 250 }])
    expect(delivery.attempts[0]?.tls).toMatchObject({
      rule: 'pinned',
      version: `TLSv${version}`,
      certificateSha256: digestOf(sound),
    })
    const [mail, ...more] = await expect
      .poll(() => receiver.mails(), { timeout: 10_000 })
      .toHaveLength(1)
      .then(() => receiver.mails())
    expect(more).toEqual([])
    await expectMail(mail!, sample, { gpg, gateway, sender: house.sender })
    expect(await receiver.log()).toMatch(program === 'postfix' ? `TLSv${version} with` : `X=TLS${version}`)
  })

  test.each([
    ['offers no TLS', 'none', () => sound, 'tls_not_offered'],
    ['has a certificate with another name', '1.3', () => misnamed, 'tls_name_mismatch'],
    ['has a certificate with another name, in TLS 1.2', '1.2', () => misnamed, 'tls_name_mismatch'],
    ['has a certificate of another CA', '1.3', () => foreign, 'tls_certificate_untrusted'],
  ] as const)('that %s gets nothing', async (_, version, identity, outcome) => {
    const mailbox = `reader@${outcome.replaceAll('_', '-')}.${version.replace('.', '')}.${program}.test`
    const receiver = await start(program, identity(), mailbox, version)
    await enrol(mailbox, receiver.port)
    const delivery = await deliveryAttempted(house, await post(house, sample, mailbox))
    expect(delivery).toMatchObject({ state: 'queued', outcome })
    const ended =
      program === 'postfix' ? /disconnect from / : /SMTP connection .*(?:lost|closed|D=)|TLS error/
    const log = await receiver.logged(ended)
    expect(log).not.toMatch(/heard MAIL|client=|[^a-z]mail=|rcpt=|data=|<= /)
    expect(await receiver.mails()).toEqual([])
  })
})

// Neither Debian's Postfix (3.7) nor its Exim (4.96) offers REQUIRETLS; smtp-server does, so it has the part here.
describe('a destination with REQUIRETLS as a must', () => {
  let sink: Sink
  let said: unknown[]
  beforeAll(async () => {
    said = []
    sink = await startSink(sound, {
      hideREQUIRETLS: false,
      onMailFrom({ args }, _session, done) {
        said.push(args)
        done()
      },
    })
    opened.defer(() => sink.stop())
  })

  test('is told REQUIRETLS by a server that offers it, and gpg decrypts what came', async () => {
    const mailbox = 'reader@requiretls.test'
    await enrol(mailbox, sink.port, 'must')
    const delivery = await deliverySettled(house, await post(house, sample, mailbox), 'delivered')
    expect(delivery.attempts[0]?.tls).toMatchObject({ requireTls: true })
    expect(said).toMatchObject([{ REQUIRETLS: true }])
    const bytes = Buffer.from(sink.mails[0]!.bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
    await expectMail(bytes, sample, { gpg, gateway, sender: house.sender })
  })

  test.each(programs)('sends nothing by %s, which does not offer it', async program => {
    const mailbox = `reader@must.${program}.test`
    const receiver = await start(program, sound, mailbox, '1.3')
    await enrol(mailbox, receiver.port, 'must')
    const delivery = await deliveryAttempted(house, await post(house, sample, mailbox))
    expect(delivery).toMatchObject({ state: 'queued', outcome: 'requiretls_not_offered' })
    expect(await receiver.mails()).toEqual([])
    expect(await receiver.log()).not.toMatch(/heard MAIL|client=|<= /)
  })
})
