import fc from 'fast-check'
import { createMessage, encrypt, generateKey, type PublicKey, readKey, sign } from 'openpgp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admitCiphertext, type Format } from '../../src/sealer/host/index.ts'
import {
  body,
  json,
  makeRecipient,
  openTestSealer,
  resolveTo,
  simple,
  type TestRecipient,
  type TestSealer,
} from './support.ts'

let sealer: TestSealer
let reader: TestRecipient
let modern: TestRecipient
/** What the sealer made for each, as the gate admitted it. */
let honest: Uint8Array
let honestV2: Uint8Array

const text = 'PAN 4111111111111111, and enough around it to look like a message. '.repeat(40)

beforeAll(async () => {
  sealer = await openTestSealer()
  reader = await makeRecipient('reader@bank.test')
  modern = await makeRecipient('modern@bank.test', 'seipdv2')
  honest = await sealed(reader)
  honestV2 = await sealed(modern)
})

afterAll(() => sealer.pool.close(1000))

async function sealed(recipient: TestRecipient, content = text): Promise<Uint8Array> {
  const result = await sealer.pool.seal(body(simple(recipient, content)), json, resolveTo(recipient))
  return result.sealed[0]?.ciphertext ?? new Uint8Array()
}

function admit(bytes: Uint8Array, recipient = reader, format: Format = recipient.target.format): void {
  admitCiphertext(bytes, { encryptionSubkey: recipient.target.encryptionSubkey, format })
}

const refusal: unknown = expect.objectContaining({ code: 'outbound_gate_refused' })

/** The first packet of an honest message and the rest of it. */
function split(message: Uint8Array): [Uint8Array, Uint8Array] {
  const end = 2 + (message[1] ?? 0)
  return [message.subarray(0, end), message.subarray(end)]
}

/** A packet in the current format, with its length in the shortest form. */
function packet(tag: number, content: Uint8Array): Uint8Array {
  const size = content.length
  const length =
    size < 192
      ? [size]
      : size < 8384
        ? [((size - 192) >> 8) + 192, (size - 192) & 255]
        : [255, 0, 0, size >> 8, size & 255]
  return Buffer.concat([Uint8Array.of(0xc0 | tag, ...length), content])
}

async function encryptFor(
  keys: PublicKey[],
  options: { passwords?: string; wildcard?: boolean } = {},
): Promise<Uint8Array> {
  const message = await createMessage({ text })
  const made: unknown = await encrypt({ message, encryptionKeys: keys, format: 'binary', ...options })
  if (!(made instanceof Uint8Array)) throw new Error('not binary')
  return made
}

async function keyOf(recipient: TestRecipient): Promise<PublicKey> {
  return (await readKey({ binaryKey: recipient.target.certificate })).toPublic()
}

describe('what the sealer makes is admitted', () => {
  test('SEIPDv1', () => expect(() => admit(honest)).not.toThrow())
  test('SEIPDv2', () => expect(() => admit(honestV2, modern)).not.toThrow())

  test('with partial lengths', async () => {
    const large = await sealed(reader, 'x'.repeat(300_000))
    const length = split(large)[1][1] ?? 0
    expect(length).toBeGreaterThanOrEqual(224)
    expect(() => admit(large)).not.toThrow()
  })

  test.each(['curve25519', 'rsa', 'nistP256'] as const)('for a key of type %s', async kind => {
    const { publicKey } = await generateKey({
      ...(kind === 'rsa'
        ? { type: kind, rsaBits: 3072 }
        : kind === 'nistP256'
          ? { type: 'ecc', curve: kind }
          : { type: kind }),
      userIDs: { email: 'a@bank.test' },
      format: 'object',
    })
    const encryptionSubkey = publicKey.subkeys[0]?.getFingerprint().toUpperCase() ?? ''
    const message = await encryptFor([publicKey])
    expect(() => admitCiphertext(message, { encryptionSubkey, format: 'seipdv1' })).not.toThrow()
    expect(() => admit(message)).toThrow(refusal)
  })

  test('and given back unchanged', () => {
    expect(admitCiphertext(honest, reader.target)).toBe(honest)
  })
})

describe('what the gate refuses', () => {
  const attacks: Record<string, () => Uint8Array | Promise<Uint8Array>> = {
    nothing: () => new Uint8Array(),
    'the input of the encryptor': () => Buffer.from(text),
    'the input, framed as encrypted data': () =>
      Buffer.concat([split(honest)[0], packet(18, Buffer.concat([Uint8Array.of(1), Buffer.from(text)]))]),
    'the input, framed as literal data': () => packet(11, Buffer.from(text)),
    'literal data after the session key': () =>
      Buffer.concat([split(honest)[0], packet(11, Buffer.from(text))]),
    'the input in the session key packet': () =>
      Buffer.concat([
        packet(1, Buffer.concat([split(honest)[0].subarray(2), Buffer.from(text)])),
        split(honest)[1],
      ]),
    'a signed message that nobody encrypted': async () => {
      const { privateKey } = await generateKey({ userIDs: { email: 'a@bank.test' }, format: 'object' })
      const message = await createMessage({ text })
      const made: unknown = await sign({ message, signingKeys: privateKey, format: 'binary' })
      if (!(made instanceof Uint8Array)) throw new Error('not binary')
      return made
    },
    'an empty armour': () => Buffer.from('-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n'),
    'an armour of the honest message': () =>
      Buffer.from(
        `-----BEGIN PGP MESSAGE-----\n\n${Buffer.from(honest).toString('base64')}\n-----END PGP MESSAGE-----\n`,
      ),
    'the session key only': () => split(honest)[0],
    'the encrypted data only': () => split(honest)[1],
    'the packets in the wrong order': () => Buffer.concat([split(honest)[1], split(honest)[0]]),
    'a message for another recipient': () => honestV2,
    'a message for two recipients': async () => encryptFor([await keyOf(reader), await keyOf(modern)]),
    'the same session key twice': () => Buffer.concat([split(honest)[0], honest]),
    'a password beside the key': async () => encryptFor([await keyOf(reader)], { passwords: 'sesame' }),
    'a hidden recipient': async () => encryptFor([await keyOf(reader)], { wildcard: true }),
    'the honest message twice': () => Buffer.concat([honest, honest]),
    'a byte behind': () => Buffer.concat([honest, Uint8Array.of(0)]),
    'a packet behind': () => Buffer.concat([honest, packet(11, Buffer.from('text'))]),
    'a marker packet in front': () => Buffer.concat([packet(10, Buffer.from('PGP')), honest]),
    'a padding packet between': () =>
      Buffer.concat([split(honest)[0], packet(21, new Uint8Array(9)), split(honest)[1]]),
    'encrypted data of an empty message': () =>
      Buffer.concat([
        split(honest)[0],
        packet(18, Buffer.concat([Uint8Array.of(1), honest.subarray(200, 260)])),
      ]),
    'a session key packet in the old format': () =>
      Buffer.concat([Uint8Array.of(0x84, ...honest.subarray(1))]),
    'encrypted data of undetermined length': () =>
      Buffer.concat([split(honest)[0], Uint8Array.of(0xcb), split(honest)[1].subarray(3)]),
    'encrypted data without integrity protection (tag 9)': () =>
      Buffer.concat([split(honest)[0], Uint8Array.of(0xc9, ...split(honest)[1].subarray(1))]),
    'a length in a longer form than needed': () => {
      const [key, data] = split(honest)
      return Buffer.concat([Uint8Array.of(key[0] ?? 0, 255, 0, 0, 0, key[1] ?? 0), key.subarray(2), data])
    },
  }
  test.each(Object.entries(attacks))('%s', async (_, make) => {
    const bytes = await make()
    expect(() => admit(bytes)).toThrow(refusal)
  })

  test('SEIPDv1 where the target reads v2, and the reverse', () => {
    expect(() => admit(honest, reader, 'seipdv2')).toThrow(refusal)
    expect(() => admit(honestV2, modern, 'seipdv1')).toThrow(refusal)
  })

  test('a fingerprint that is none', () => {
    for (const encryptionSubkey of [
      '',
      reader.target.encryptionSubkey.slice(-16),
      reader.target.encryptionSubkey.toLowerCase(),
    ]) {
      expect(() => admitCiphertext(honest, { encryptionSubkey, format: 'seipdv1' })).toThrow(refusal)
    }
  })

  test('every truncation', () => {
    for (let end = 0; end < honest.length; end++)
      expect(() => admit(honest.subarray(0, end))).toThrow(refusal)
    for (let end = 0; end < honestV2.length; end++) {
      expect(() => admit(honestV2.subarray(0, end), modern)).toThrow(refusal)
    }
  })

  test('every change of one byte of what frames the message', () => {
    // Headers, version, key id and algorithm of the PKESK; header, length and version of the SEIPD.
    const start = split(honest)[0].length
    const framing = [...Array(12).keys(), start, start + 1, start + 2, start + 3]
    for (const at of framing) {
      for (let flip = 1; flip < 256; flip++) {
        const changed = Uint8Array.from(honest)
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(() => admit(changed)).toThrow(refusal)
      }
    }
  })

  test('whatever else: arbitrary bytes never pass, and nothing but a refusal is thrown', () => {
    const anything = fc.uint8Array({ maxLength: 3000 })
    const spliced = fc
      .tuple(fc.nat(honest.length), fc.uint8Array({ minLength: 1, maxLength: 40 }))
      .map(([at, insert]) => Buffer.concat([honest.subarray(0, at), insert, honest.subarray(at)]))
    fc.assert(
      fc.property(fc.oneof(anything, spliced), bytes => {
        expect(() => admit(bytes)).toThrow(refusal)
      }),
      { numRuns: 2000 },
    )
  })
})
