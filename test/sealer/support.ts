import { randomBytes } from 'node:crypto'
import {
  decrypt,
  generateKey,
  type Message,
  type PrivateKey,
  type PublicKey,
  readKey,
  readMessage,
} from 'openpgp'
import { type Address, isAddress, Plaintext } from '../../src/kernel/index.ts'
import {
  type Format,
  generateSigningKey,
  type MessageMetadata,
  openSealerPool,
  type PoolLimits,
  type SealerPool,
  type SealTarget,
} from '../../src/sealer/host/index.ts'

export function address(text: string): Address {
  if (!isAddress(text)) throw new Error('not an address')
  return text
}

export interface TestSealer {
  readonly pool: SealerPool
  readonly verificationKey: PublicKey
}

export async function openTestSealer(
  limits: Partial<PoolLimits> = {},
  processes = 1,
  attachmentBytes = 25 * 1024 * 1024,
): Promise<TestSealer> {
  const keyEncryptionKey = randomBytes(32)
  const { wrapped, certificate } = await generateSigningKey(address('gateway@pay.test'), keyEncryptionKey)
  const pool = await openSealerPool({
    key: { wrapped, keyEncryptionKey },
    processes,
    limits,
    attachmentBytes,
  })
  return { pool, verificationKey: (await readKey({ binaryKey: certificate })).toPublic() }
}

export interface TestRecipient {
  readonly address: Address
  readonly privateKey: PrivateKey
  readonly target: SealTarget
}

export async function makeRecipient(
  mailbox: string,
  format: Format = 'seipdv1',
  date = new Date(),
): Promise<TestRecipient> {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: { email: mailbox },
    format: 'object',
    config: { aeadProtect: format === 'seipdv2' },
    date,
  })
  const subkey = publicKey.subkeys[0]
  if (subkey === undefined) throw new Error('no encryption subkey')
  const target = {
    certificate: publicKey.write(),
    encryptionSubkey: subkey.getFingerprint().toUpperCase(),
    format,
    outer: {
      from: address('gateway@pay.test'),
      to: address(mailbox),
      date: 'Fri, 20 Nov 2026 20:35:55 +0000',
      messageId: '<opaque@gateway.pay.test>',
    },
  }
  return { address: address(mailbox), privateKey, target }
}

/** What a recipient's software would: decrypts and insists on the gateway's signature. */
export async function open(
  ciphertext: Uint8Array,
  recipient: TestRecipient,
  verificationKey: PublicKey,
): Promise<Uint8Array> {
  const message: Message<Uint8Array> = await readMessage({ binaryMessage: ciphertext })
  const opened: { data: unknown } = await decrypt({
    message,
    decryptionKeys: recipient.privateKey,
    verificationKeys: verificationKey,
    expectSigned: true,
    format: 'binary',
  })
  if (!(opened.data instanceof Uint8Array)) throw new Error('not binary')
  return opened.data
}

export const json = { type: 'json' } as const

/** A request body in chunks of at most `size` bytes. */
export async function* body(content: unknown, size = 65_536): AsyncGenerator<Plaintext> {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(new Plaintext(new Uint8Array(bytes.subarray(at, at + size))))
  }
}

export function resolveTo(...recipients: readonly TestRecipient[]) {
  return (metadata: MessageMetadata): Promise<readonly SealTarget[]> =>
    Promise.resolve(metadata.to.flatMap(to => recipients.filter(r => r.address === to).map(r => r.target)))
}

export function simple(to: TestRecipient, text = 'hello') {
  return { from: 'app@pay.test', to: [to.address], subject: 'Statement', text }
}
