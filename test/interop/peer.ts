import type { Address } from '../../src/kernel/index.ts'

/** A recipient's key as its own program made, exported and lists it. */
export interface PeerKey {
  readonly address: Address
  /** Binary. */
  readonly certificate: Buffer
  /** Not protected by a passphrase. */
  readonly secretKey: Buffer
  /** Fingerprints, upper-case hex. */
  readonly fingerprint: string
  readonly encryptionSubkey: string
}

/** What a recipient's program says of a message that it decrypted. */
export interface Opened {
  readonly content: Buffer
  /** Who made the one good signature: a fingerprint, or the 16 digits at its end if the program shows no more. */
  readonly signer: string
}

/** A recipient's program that holds one secret key and the gateway's certificate. */
export interface Reader extends AsyncDisposable {
  /** Throws what the program said unless it decrypted the message and verified exactly one signature. */
  open(message: Uint8Array): Promise<Opened>
}

export type OpenReader = (secretKey: Uint8Array, gatewayCertificate: Uint8Array) => Promise<Reader>
