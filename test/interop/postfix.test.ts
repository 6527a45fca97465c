import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DeliveryStatus } from '../../src/delivery/index.ts'
import { domainOf } from '../../src/kernel/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { address } from '../sealer/support.ts'
import { type House, openHouse } from '../support/house.ts'
import { activateRecipient, setDestination } from '../support/shortcut.ts'
import { GnuPg } from './gnupg.ts'
import { type Postfix, startPostfix } from './postfix.ts'
import { type Sample, samples } from './samples.ts'
import { deliveryAttempted, deliverySettled, expectMail, post } from './through-gateway.ts'

const kept = 'reader@bank.test'
const keptImplicit = 'reader@implicit.test'
const grey = 'grey@bank.test'
const unknown = 'nobody@bank.test'
const misnamed = 'reader@misnamed.test'
const mistrusted = 'reader@mistrusted.test'

const opened = new AsyncDisposableStack()
let house: House
let gpg: GnuPg
let identity: Identity
let postfix: Postfix
let misnamedPostfix: Postfix
let gateway: string

beforeAll(async () => {
  house = opened.adopt(await openHouse(), running => running.close())
  gpg = opened.use(await GnuPg.open())
  await gpg.run(['--import'], house.signer)
  gateway = await gpg.fingerprint('gateway@gateway.test')

  identity = await issueServerCertificate(house.mailAuthority, { dnsNames: ['localhost'], days: 1 })
  postfix = opened.use(
    await startPostfix(identity, {
      [kept]: 'keep',
      [keptImplicit]: 'keep',
      [mistrusted]: 'keep',
      [grey]: '450 4.2.0 Greylisted, try again later',
    }),
  )
  const misnamedIdentity = await issueServerCertificate(house.mailAuthority, {
    dnsNames: ['mx.bank.test'],
    days: 1,
  })
  misnamedPostfix = opened.use(await startPostfix(misnamedIdentity, { [misnamed]: 'keep' }))

  const trusted = house.mailAuthority.certificate
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  await reach('bank.test', postfix.port, 'starttls', trusted)
  await reach('implicit.test', postfix.implicitPort, 'implicit', trusted)
  await reach('misnamed.test', misnamedPostfix.port, 'starttls', trusted)
  await reach('mistrusted.test', postfix.port, 'starttls', other.certificate)
  for (const mailbox of [kept, keptImplicit, grey, unknown, misnamed, mistrusted]) {
    const certificate = await gpg.exported(await gpg.generate(mailbox, 'ed25519', 'cv25519'))
    await activateRecipient(house.owner, address(mailbox), certificate)
  }
})

afterAll(() => opened.disposeAsync())

describe.each([
  ['STARTTLS', kept],
  ['implicit TLS', keptImplicit],
])('Postfix receives over %s', (_, mailbox) => {
  test.each(Object.entries(samples))('and gpg decrypts what was sent: %s', async (__, sample) => {
    const delivery = await settled(await send(sample, mailbox), 'delivered')
    const [attempt, ...more] = delivery.attempts
    expect(more).toEqual([])
    expect(attempt).toMatchObject({ outcome: 'delivered', host: 'localhost', replyCode: 250 })
    expect(attempt?.tls).toMatchObject({
      rule: 'pinned',
      version: 'TLSv1.3',
      certificateSha256: new X509Certificate(identity.certificate).fingerprint256
        .replaceAll(':', '')
        .toLowerCase(),
    })

    const queueId = /queued as ([0-9A-Za-z]+)$/.exec(attempt?.reply ?? '')?.[1] ?? ''
    const mail = await postfix.mail(mailbox, queueId)
    await expectReadable(mail, sample)
    const log = await postfix.logged(new RegExp(`${queueId}: .*status=sent \\(delivered to maildir\\)`))
    expect(log).toContain(`${queueId}: client=`)
    expect(log).toContain(`TLS connection established from unknown[127.0.0.1]: TLSv1.3 with cipher`)
    expect(mail.toString()).toMatch(/^\t\(using TLSv1\.3 with cipher /m)
  })
})

test('a mailbox that Postfix does not know fails the delivery, by name', async () => {
  const delivery = await settled(await send(samples['text of all kinds']!, unknown), 'failed')
  expect(delivery).toMatchObject({ outcome: 'mailbox_unknown' })
  expect(delivery.attempts).toMatchObject([{ outcome: 'mailbox_unknown', replyCode: 550 }])
  expect(delivery.attempts[0]?.reply).toContain('User unknown in virtual mailbox table')
})

test('a greylisting 450 defers the delivery', async () => {
  const delivery = await attempted(await send(samples['text of all kinds']!, grey))
  expect(delivery).toMatchObject({ state: 'queued', outcome: 'mailbox_unavailable' })
  expect(delivery.attempts).toMatchObject([{ outcome: 'mailbox_unavailable', replyCode: 450 }])
  expect(new Date(delivery.nextAttemptAt ?? 0).getTime()).toBeGreaterThan(Date.now())
})

test('a Postfix whose certificate has another name hears no MAIL FROM', async () => {
  const delivery = await attempted(await send(samples['text of all kinds']!, misnamed))
  expect(delivery).toMatchObject({ state: 'queued', outcome: 'tls_name_mismatch' })
  const log = await misnamedPostfix.logged(/disconnect from .* ehlo=1 starttls=0\/1 commands=1\/2$/m)
  expect(log).toContain('connect from unknown[127.0.0.1]')
  expect(log).not.toMatch(/client=|[^a-z]mail=|rcpt=|data=/)
})

test('a Postfix whose certificate is of another CA hears no MAIL FROM', async () => {
  const before = (await postfix.log()).length
  const delivery = await attempted(await send(samples['text of all kinds']!, mistrusted))
  expect(delivery).toMatchObject({ state: 'queued', outcome: 'tls_certificate_untrusted' })
  // Sessions of other tests may end meanwhile: this one is known by what it never did.
  await postfix.logged(/disconnect from unknown\[127\.0\.0\.1\] ehlo=1 starttls=0\/1 commands=1\/2$/m)
  expect((await postfix.log()).slice(before)).not.toMatch(/to=<reader@mistrusted\.test>|client=/)
})

test('and what Postfix never kept is in nobody’s mailbox', async () => {
  for (const mailbox of [grey, unknown, mistrusted]) expect(await postfix.count(mailbox)).toBe(0)
  expect(await misnamedPostfix.count(misnamed)).toBe(0)
  expect(await postfix.count(kept)).toBe(Object.keys(samples).length)
})

async function reach(domain: string, port: number, tls: 'starttls' | 'implicit', ca: string): Promise<void> {
  const hosts = [{ name: 'localhost', port, tls }]
  expect(domainOf(address(`x@${domain}`))).toBe(domain)
  await setDestination(house.owner, domain, { mode: 'pinned', hosts, pins: { ca } })
}

const send = (sample: Sample, mailbox: string): Promise<string> => post(house, sample, mailbox)
const settled = (path: string, state: 'delivered' | 'failed'): Promise<DeliveryStatus> =>
  deliverySettled(house, path, state)
const attempted = (path: string): Promise<DeliveryStatus> => deliveryAttempted(house, path)

/** A file of the maildir must be what was sent, and signed by this gateway. */
const expectReadable = (mail: Buffer, sample: Sample): Promise<void> =>
  expectMail(mail, sample, { gpg, gateway, sender: house.sender })
