import type { Address } from '../kernel/index.ts'

/** How the recipient's software reads: RFC 9580 sections 5.13.1 and 5.13.2. */
export type Format = 'seipdv1' | 'seipdv2'

/**
 * The header fields that travel outside the encryption, each exactly as it goes on the wire (RFC 9788 mirrors them
 * inside as HP-Outer, so both sides must use these very strings). The outer Subject is always `[...]`.
 */
export interface OuterHeaders {
  readonly from: Address
  readonly to: Address
  /** RFC 5322 date-time, for example `Fri, 20 Nov 2026 20:35:55 +0000`. */
  readonly date: string
  /** With angle brackets. Opaque: it says nothing of the message or the application. */
  readonly messageId: string
}

/** One recipient of a message, resolved by the gateway: who, with which pinned subkey, under which outer headers. */
export interface SealTarget {
  readonly certificate: Uint8Array
  /** Fingerprint of the pinned encryption subkey, upper-case hex. */
  readonly encryptionSubkey: string
  readonly format: Format
  readonly outer: OuterHeaders
}

/** How a body is to be read: as its Content-Type said. */
export type BodyForm = { readonly type: 'json' } | { readonly type: 'multipart'; readonly boundary: string }

/** What is to be made of a body: a message that is sealed, or an opinion of one (then it need not have content). */
export interface Task {
  readonly purpose: 'seal' | 'check'
  readonly form: BodyForm
}

/** All that a sealer ever says of a message's content. */
export interface MessageMetadata {
  readonly from: Address
  /** 1 to 50, without duplicates, in the order given. */
  readonly to: readonly Address[]
  /** The application's own mark: at most 128 of `A-Z a-z 0-9 . _ : -`. */
  readonly reference: string | undefined
  /** Whom answers go to: the application must be allowed to write from it. */
  readonly replyTo: Address | undefined
  /** Milliseconds since 1970: from then on the message is of no use to anybody. */
  readonly expiresAt: number | undefined
}

/** What the gateway hears of a message before it says whom it goes to. */
export interface MessageFacts extends MessageMetadata {
  /** Whether there is text, HTML or an attachment. Always so in a message that is sealed. */
  readonly hasContent: boolean
  readonly cards: CardCounts
  /** HMAC-SHA-256 of the body as it came, hex, under a key that comes from the key-encryption key: the same for the same body. */
  readonly fingerprint: string
}

/** Card data in a message, counted (each number once per part); never a digit of it. */
export interface CardCounts {
  readonly count: number
  readonly brands: readonly string[]
  /** JSON pointers of parts that could not be looked into, such as encrypted archives. */
  readonly unread: readonly string[]
}

/** A refusal names a code and, for a message of the wrong form, pointers; never a value. */
export interface SealRefusal {
  readonly code:
    | 'invalid_json'
    | 'invalid_message'
    | 'invalid_multipart'
    | 'header_injection'
    | 'sad_detected'
    | 'pan_not_allowed_here'
    | 'metadata_not_removable'
    | 'body_too_large'
  readonly errors: readonly { readonly pointer: string; readonly code: string }[]
}

/** A secret OpenPGP key encrypted with AES-256-GCM under a key-encryption key that custody holds. */
export interface WrappedKey {
  readonly fingerprint: string
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

/** What the certificate verdict measures against; made by `policy/` from `keys-policy/`. */
export interface CertificatePolicy {
  readonly id: string
  readonly minRsaBits: number
  readonly maxRsaBits: number
  /** Names as in {@link CertificateVerdict.algorithm}, without sizes: `rsa`, `ecdh-curve25519`, `x25519`, `ecdh-nistp256`, … */
  readonly encryptionAlgorithms: readonly string[]
  /** Of the primary key, likewise: `rsa`, `eddsa-ed25519`, `ed25519`, `ecdsa-nistp256`, … */
  readonly signatureAlgorithms: readonly string[]
  readonly signatureHashes: readonly string[]
  readonly formats: readonly Format[]
  /** Days that an encryption subkey is used from its creation. */
  readonly encryptionDays: number
  /** What is allowed for now only: the day (ISO 8601, UTC) from whose start on it is not. */
  readonly sunsets: {
    readonly formats: Readonly<Partial<Record<Format, string>>>
    /** Names as in `encryptionAlgorithms`. */
    readonly algorithms: Readonly<Record<string, string>>
  }
}

/** Why a certificate is not acceptable. The remedies stand in `keys/reasons.ts`. */
export type CertificateReason =
  | 'too_large'
  | 'not_a_certificate'
  | 'private_key'
  | 'several_certificates'
  | 'malformed_packets'
  | 'unknown_packets'
  | 'version_unsupported'
  | 'key_material_invalid'
  | 'not_yet_valid'
  | 'primary_revoked'
  | 'primary_expired'
  | 'primary_signature_invalid'
  | 'designated_revoker'
  | 'user_id_malformed'
  | 'user_id_unverified'
  | 'user_id_mismatch'
  | 'user_id_revoked'
  | 'no_encryption_subkey'
  | 'subkey_revoked'
  | 'subkey_expired'
  | 'subkey_binding_invalid'
  | 'hash_too_weak'
  | 'algorithm_not_allowed'
  | 'rsa_too_small'
  | 'rsa_too_large'
  | 'rsa_weak_exponent'
  | 'rsa_roca'
  | 'rsa_fermat'
  | 'rsa_small_factor'
  | 'rsa_debian_weak'
  /** Found by `keys`, which knows the other keys of the house; a sealer sees one certificate at a time. */
  | 'rsa_shared_factor'
  | 'format_not_allowed'
  | 'algorithm_legacy_over'
  | 'format_legacy_over'
  | 'cryptoperiod_over'

export type ExpiryReason = Extract<
  CertificateReason,
  | 'primary_expired'
  | 'user_id_unverified'
  | 'subkey_expired'
  | 'algorithm_legacy_over'
  | 'format_legacy_over'
  | 'cryptoperiod_over'
>

/** The answer of `cert inspect`. `reject` always has reasons; `accept` never has. */
export interface CertificateVerdict {
  readonly verdict: 'accept' | 'reject'
  readonly reasons: readonly CertificateReason[]
  /** Upper-case hex; null when the file could not be read as a certificate. */
  readonly fingerprint: string | null
  readonly encryptionSubkey: string | null
  /** For example `rsa4096`, `ecdh-curve25519`. */
  readonly algorithm: string | null
  readonly format: Format | null
  /** ISO 8601: the earliest end of primary, user ID, subkey, cryptoperiod and sunset. Null when it is not known. */
  readonly expires: string | null
  /** The reason that there will be from `expires` on; null as `expires`. */
  readonly expiresFor: ExpiryReason | null
  /** Whether its format or algorithm is allowed only until a sunset. */
  readonly legacy: boolean
  /** Of the primary key and of `encryptionSubkey`, where they are RSA: upper-case hex without leading zeros. */
  readonly rsaModuli: readonly string[]
  /** Whether the certificate given as certifier is acceptable for the same address, and certified the user ID of this one. */
  readonly certifiedByGiven: boolean
}

/** What a question about a certificate may bring along. */
export interface InspectionContext {
  /** The certificate in use so far: has it certified this one? */
  readonly certifier?: Uint8Array
  /** Upper-case fingerprint of the subkey that is in use: it, or none. */
  readonly pinned?: string
}

export type ToSealer =
  | {
      readonly type: 'key'
      readonly wrapped: WrappedKey
      readonly keyEncryptionKey: Uint8Array
      /** Bytes that the attachments of a message may have together, decoded. */
      readonly attachmentBytes: number
    }
  /** The next piece of a message's body. The first brings the task and opens the job, the last closes the body. */
  | {
      readonly type: 'body'
      readonly job: number
      readonly bytes: Uint8Array
      readonly last: boolean
      readonly task: Task | undefined
    }
  | { readonly type: 'targets'; readonly job: number; readonly targets: readonly SealTarget[] }
  | { readonly type: 'abandon'; readonly job: number }
  | {
      readonly type: 'inspect'
      readonly job: number
      readonly certificate: Uint8Array
      readonly address: Address
      readonly at: number
      readonly policy: CertificatePolicy
      readonly context: InspectionContext
    }
  | {
      readonly type: 'revokes'
      readonly job: number
      readonly upload: Uint8Array
      readonly certificate: Uint8Array
      readonly encryptionSubkey: string | undefined
    }
  | {
      readonly type: 'merge'
      readonly job: number
      readonly known: Uint8Array
      readonly copy: Uint8Array
    }
  | {
      readonly type: 'generate'
      readonly job: number
      readonly userId: Address
      readonly keyEncryptionKey: Uint8Array
    }

export type FromSealer =
  | { readonly type: 'ready' }
  /** The key-encryption key does not open the wrapped key. */
  | { readonly type: 'key_refused' }
  | { readonly type: 'metadata'; readonly job: number; readonly metadata: MessageFacts }
  /** The next piece of the ciphertext for `targets[target]`; targets are answered in order, one after the other. */
  | {
      readonly type: 'sealed'
      readonly job: number
      readonly target: number
      readonly piece: Uint8Array
      readonly last: boolean
    }
  | { readonly type: 'refused'; readonly job: number; readonly refusal: SealRefusal }
  | { readonly type: 'inspected'; readonly job: number; readonly verdict: CertificateVerdict }
  | { readonly type: 'revocation'; readonly job: number; readonly revokes: boolean }
  /** Null: not two copies of one certificate. */
  | { readonly type: 'merged'; readonly job: number; readonly certificate: Uint8Array | null }
  | {
      readonly type: 'generated'
      readonly job: number
      readonly wrapped: WrappedKey
      /** The public certificate, binary. */
      readonly certificate: Uint8Array
    }
  /** Something unforeseen. No detail: an exception's text may hold content. */
  | { readonly type: 'failed'; readonly job: number }
