/**
 * What we show a relay of our own, once it has proved itself to us: a name and a password (SASL), a client certificate, or
 * both.
 */
export interface Credentials {
  readonly login?: { readonly username: string; readonly password: string }
  /** PEM, the key PKCS #8. */
  readonly identity?: { readonly certificate: string; readonly key: string }
}

/** A function, so that whatever prints a route or a target does not print them. */
export type HeldCredentials = () => Credentials
