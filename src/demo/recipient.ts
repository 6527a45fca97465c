import { decrypt, generateKey, type PrivateKey, readKey, readMessage, readPrivateKey, unarmor } from 'openpgp'
import type { Address } from '../kernel/index.ts'

/** What a recipient's mail program does: it owns a key, decrypts, and checks who signed. */
export interface Correspondent {
  readonly address: Address
  /** Binary. */
  readonly certificate: Uint8Array
  readonly privateKey: PrivateKey
}

/** A recipient with a fresh key of the kind that every OpenPGP program can use. */
export async function createCorrespondent(address: Address): Promise<Correspondent> {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ email: address }],
    format: 'binary',
  })
  return { address, certificate: publicKey, privateKey: await readPrivateKey({ binaryKey: privateKey }) }
}

/** The content of a PGP/MIME mail, after its signature by `signer` was verified. Throws when anything is amiss. */
export async function readMail(
  correspondent: Correspondent,
  signer: Uint8Array,
  mail: Uint8Array,
): Promise<string> {
  const armoured = /-----BEGIN PGP MESSAGE-----[^]*-----END PGP MESSAGE-----/.exec(
    Buffer.from(mail).toString('latin1'),
  )
  const key = await readKey({ binaryKey: signer })
  const decrypted = await decrypt({
    message: await readMessage({ armoredMessage: armoured?.[0] ?? '' }),
    decryptionKeys: correspondent.privateKey,
    verificationKeys: key.toPublic(),
    expectSigned: true,
    format: 'binary',
  })
  await Promise.all(decrypted.signatures.map(signature => signature.verified))
  return Buffer.from(decrypted.data as Uint8Array).toString('utf8')
}

/** The binary form of a certificate that may be armoured. */
export async function binaryCertificate(file: Uint8Array): Promise<Uint8Array> {
  const text = Buffer.from(file).toString('latin1')
  if (!text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return file
  return (await unarmor(text)).data as Uint8Array
}

/** The armoured form of a certificate that may be binary. */
export async function armouredCertificate(file: Uint8Array): Promise<string> {
  const text = Buffer.from(file).toString('latin1')
  if (text.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return text
  return (await readKey({ binaryKey: file })).armor()
}
