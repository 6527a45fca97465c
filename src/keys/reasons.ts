import type { CertificateReason } from '../sealer/host/index.ts'

/** A reason in words for the owner of the certificate. Fixed text: it never holds anything of the certificate. */
export interface ReasonExplanation {
  readonly sentence: string
  readonly remedy: string
}

const exportAgain = 'Export your public key again and upload that one file, unchanged.'
const newSubkey = 'Add a new encryption subkey to your key, export it and upload it again.'
const newKey = 'Make a new key (your mail program proposes a good kind) and upload it.'
const askHelp = 'If your program made it like this, ask the person who invited you.'

const explanations: Readonly<Record<CertificateReason, ReasonExplanation>> = {
  too_large: because(
    'The file is larger than 64 KiB, or holds more signatures than a key in use needs.',
    'Export a minimal copy without signatures of others (GnuPG: `--export-options export-minimal`).',
  ),
  not_a_certificate: because(
    'This is not an OpenPGP public key.',
    'Upload the file that your program writes when you export your public key, with nothing before or after it.',
  ),
  private_key: because(
    'This file holds a private key. Nothing of it was kept.',
    'It has left your hands: revoke this key, make a new one, and upload only the public key.',
  ),
  several_certificates: because('The file holds more than one key.', 'Export only the key to be used here.'),
  malformed_packets: because('The file is damaged or not well formed.', `${exportAgain} ${askHelp}`),
  unknown_packets: because(
    'The file holds parts that do not belong in a public key.',
    `${exportAgain} ${askHelp}`,
  ),
  version_unsupported: because(
    'The key is of a version that cannot be checked here; only version 4 can.',
    'Upload a version 4 key. Nearly every program makes these unless told otherwise.',
  ),
  key_material_invalid: because('The numbers in the key are not a valid public key.', newKey),
  not_yet_valid: because(
    'The key, or a signature in it, was made in the future.',
    'Check the clock of your computer, then make the key again, or wait until its start.',
  ),
  primary_revoked: because('The key was revoked by its owner.', newKey),
  primary_expired: because(
    'The key has expired.',
    'Extend its expiry date and upload it again, or make a new one.',
  ),
  primary_signature_invalid: because(
    'A signature of the key over itself is not valid.',
    `${exportAgain} If that does not help: ${lower(newKey)}`,
  ),
  designated_revoker: because(
    'The key lets another key revoke it, and that cannot be watched here.',
    'Make a key without a designated revoker.',
  ),
  user_id_malformed: because(
    'A user ID holds control, invisible or invalid characters.',
    'Delete that user ID, or make a key whose name and address are plain text.',
  ),
  user_id_unverified: because(
    'The user ID with your address is not signed by the key, or that signature is not valid or has expired.',
    exportAgain,
  ),
  user_id_mismatch: because(
    'No user ID of the key has exactly the enrolled address.',
    'Add a user ID with that address, letter by letter the same, and upload the key again.',
  ),
  user_id_revoked: because(
    'The user ID with your address was revoked.',
    'Make a key with a user ID for that address.',
  ),
  no_encryption_subkey: because('The key has no subkey for encryption.', newSubkey),
  subkey_revoked: because(
    'The newest encryption subkey was revoked; an older one is not used in its place.',
    `${newSubkey} If the revoked one was in use here, make a new key instead.`,
  ),
  subkey_expired: because(
    'The encryption subkey has expired.',
    `Extend its expiry date and upload the key again. Or: ${lower(newSubkey)}`,
  ),
  subkey_binding_invalid: because(
    'A subkey is not validly signed by the key.',
    `${exportAgain} If that does not help: ${lower(newSubkey)}`,
  ),
  hash_too_weak: because(
    'A signature in the key uses a hash function that is no longer safe, such as SHA-1 or MD5.',
    'Have your program sign the key again (changing the expiry date does it), and upload it again.',
  ),
  algorithm_not_allowed: because(
    'The key uses an algorithm that the policy does not allow.',
    'Make a key with Curve25519, NIST P-256 or P-384, or RSA of 3072 bits or more.',
  ),
  rsa_too_small: because('The RSA key is too short.', 'Make an RSA key of 3072 bits or more, or Curve25519.'),
  rsa_too_large: because('The RSA key is too long.', 'Make an RSA key of at most 8192 bits, or Curve25519.'),
  rsa_weak_exponent: because('The RSA key has an unsafe public exponent.', newKey),
  rsa_roca: because(
    'The RSA key was made by a faulty chip (ROCA, CVE-2017-15361); others can compute its private key.',
    'Stop using this key anywhere, and make a new one in software or on a newer token.',
  ),
  rsa_fermat: because(
    'The two primes of the RSA key are too close; others can compute its private key.',
    'Stop using this key anywhere, and make a new one with another program.',
  ),
  rsa_small_factor: because(
    'The RSA key has a small factor; others can compute its private key.',
    'Stop using this key anywhere, and make a new one with another program.',
  ),
  rsa_debian_weak: because(
    'The RSA key was made by the faulty OpenSSL of Debian (CVE-2008-0166), or is of its time, 2006 to 2008.',
    'Stop using this key anywhere, and make a new one.',
  ),
  rsa_shared_factor: because(
    'The RSA key shares a prime with another key; others can compute its private key.',
    'Stop using this key anywhere, and make a new one with another program or on another machine.',
  ),
  format_not_allowed: because(
    'The key does not say that it reads a message format which the policy allows.',
    'Make a key with a current program.',
  ),
  algorithm_legacy_over: because(
    'The key uses an algorithm whose time has ended under the policy.',
    'Make a key with Curve25519, or with NIST P-256 or P-384.',
  ),
  format_legacy_over: because(
    'The key reads only an older message format whose time has ended under the policy.',
    'Make a key with a program that reads the format of RFC 9580 (SEIPD version 2, AEAD).',
  ),
  cryptoperiod_over: because('The encryption subkey is older than the policy lets one be used.', newSubkey),
}

/** What a reason means and what its owner can do about it. */
export function explainReason(reason: CertificateReason): ReasonExplanation {
  return explanations[reason]
}

function because(sentence: string, remedy: string): ReasonExplanation {
  return { sentence, remedy }
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}
