import { type Config, config as defaults, enums } from 'openpgp'

/**
 * What openpgp.js may do for us. Its defaults are lenient by design (facts: RSA from 2047 bits, unknown packets skipped,
 * compression as the recipient likes); each setting here refuses rather than copes.
 */
export const settings: Config = {
  ...defaults,
  minRSABits: 3072,
  preferredHashAlgorithm: enums.hash.sha512,
  preferredSymmetricAlgorithm: enums.symmetric.aes256,
  // Compression before encryption leaks through the length.
  preferredCompressionAlgorithm: enums.compression.uncompressed,
  preferredAEADAlgorithm: enums.aead.gcm,
  ignoreUnsupportedPackets: false,
  ignoreMalformedPackets: false,
  enforceGrammar: true,
  allowMissingKeyFlags: false,
  allowInsecureVerificationWithReformattedKeys: false,
  allowUnauthenticatedMessages: false,
  allowUnauthenticatedStream: false,
  showVersion: false,
  showComment: false,
}
