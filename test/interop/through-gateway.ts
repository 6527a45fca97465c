import { setTimeout as sleep } from 'node:timers/promises'
import PostalMime from 'postal-mime'
import { expect } from 'vitest'
import type { DeliveryStatus } from '../../src/delivery/index.ts'
import type { Address } from '../../src/kernel/index.ts'
import { address } from '../sealer/support.ts'
import type { House } from '../support/house.ts'
import { expectSent } from './expect-sent.ts'
import type { GnuPg } from './gnupg.ts'
import { type Sample, submission } from './samples.ts'

/** Posts over mTLS and gives the path of the message's status. */
export async function post(house: House, sample: Sample, mailbox: string): Promise<string> {
  const { status, body } = await house.client.post(submission(sample, house.sender, mailbox))
  expect(status, JSON.stringify(body)).toBe(202)
  return `/v1/messages/${(body as { id: string }).id}`
}

export async function deliverySettled(
  house: House,
  path: string,
  state: 'delivered' | 'failed',
): Promise<DeliveryStatus> {
  const delivery = await until(house, path, ({ settledAt }) => settledAt !== undefined)
  expect(delivery.state, JSON.stringify(delivery)).toBe(state)
  return delivery
}

export function deliveryAttempted(house: House, path: string): Promise<DeliveryStatus> {
  return until(house, path, ({ state, attempts }) => state !== 'sending' && attempts.length > 0)
}

async function until(
  house: House,
  path: string,
  reached: (delivery: DeliveryStatus) => boolean,
): Promise<DeliveryStatus> {
  for (let tries = 0; tries < 600; tries++) {
    const { body } = await house.client.get(path)
    const [delivery] = (body as { deliveries: readonly DeliveryStatus[] }).deliveries
    if (delivery !== undefined && reached(delivery)) return delivery
    await sleep(50)
  }
  throw new Error(`it was not reached; log:\n${house.log()}`)
}

/** A mail as a receiver kept it: the outer fields must be those that the sealed part mirrors, the rest is for its key. */
export async function expectMail(
  mail: Buffer,
  sample: Sample,
  { gpg, gateway, sender }: { readonly gpg: GnuPg; readonly gateway: string; readonly sender: Address },
): Promise<void> {
  expect(mail.includes('4111 1111')).toBe(false)
  const { subject, attachments } = await PostalMime.parse(mail, { attachmentEncoding: 'arraybuffer' })
  expect(subject).toBe('[...]')
  const encrypted = attachments.find(({ mimeType }) => mimeType === 'application/octet-stream')
  const { content, signer } = await gpg.decrypt(Buffer.from(encrypted?.content as ArrayBuffer))
  expect(signer).toBe(gateway)
  const head = mail.subarray(0, mail.indexOf('\n\n')).toString('latin1')
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1] ?? ''
  await expectSent(content, sample, sender, {
    from: address(field('From')),
    to: address(field('To')),
    date: field('Date'),
    messageId: field('Message-ID'),
  })
}
