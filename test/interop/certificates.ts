import { systemClock } from '../../src/kernel/index.ts'
import { certificatePolicy, loadPolicy } from '../../src/policy/index.ts'
import { type CertificateVerdict, inspectCertificate } from '../../src/sealer/host/index.ts'
import { address } from '../sealer/support.ts'
import { GnuPg } from './gnupg.ts'
import type { PeerKey } from './peer.ts'
import { generateWithSequoia } from './sequoia.ts'

/** The verdict as of now. */
export function inspect(
  certificate: Uint8Array,
  mailbox: string,
  policyName: 'standard' | 'strict' = 'standard',
): Promise<CertificateVerdict> {
  const policy = certificatePolicy(loadPolicy(policyName))
  return inspectCertificate(certificate, address(mailbox), systemClock.now(), policy)
}

export interface KeyKind {
  readonly algorithm: string
  make(mailbox: string): Promise<PeerKey>
}

/** Every kind of key that a peer makes and that the policy takes. gosop makes RSA of 2048 bits only: too small. */
export const keyKinds: Readonly<Record<string, KeyKind>> = {
  'gpg ed25519': byGnuPg('ed25519', 'cv25519', 'ecdh-curve25519'),
  'gpg rsa3072': byGnuPg('rsa3072', 'rsa3072', 'rsa3072'),
  'gpg rsa4096': byGnuPg('rsa4096', 'rsa4096', 'rsa4096'),
  'gpg nistp256': byGnuPg('nistp256', 'nistp256', 'ecdh-nistp256'),
  'gpg nistp384': byGnuPg('nistp384', 'nistp384', 'ecdh-nistp384'),
  'gpg nistp521': byGnuPg('nistp521', 'nistp521', 'ecdh-nistp521'),
  'sq cv25519': bySequoia('cv25519', 'ecdh-curve25519'),
  'sq rsa3k': bySequoia('rsa3k', 'rsa3072'),
  'sq rsa4k': bySequoia('rsa4k', 'rsa4096'),
}

function byGnuPg(primary: string, subkey: string, algorithm: string): KeyKind {
  return {
    algorithm,
    async make(mailbox) {
      await using gpg = await GnuPg.open()
      return await gpg.key(mailbox, await gpg.generate(mailbox, primary, subkey))
    },
  }
}

function bySequoia(suite: string, algorithm: string): KeyKind {
  return { algorithm, make: mailbox => generateWithSequoia(mailbox, ['--cipher-suite', suite]) }
}
