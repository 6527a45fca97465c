import * as tls from 'node:tls'

/**
 * Whether this Node could hide the server's name (Encrypted Client Hello, RFC 9849). Looked for, not assumed: a name of
 * the API that speaks of ECH. Node 26 has none, neither for servers nor for clients.
 */
export function encryptedClientHello(): 'unsupported' | 'present_but_unused' {
  const names = [
    ...Object.keys(tls),
    ...Object.getOwnPropertyNames(tls.TLSSocket.prototype),
    ...Object.getOwnPropertyNames(tls.Server.prototype),
  ]
  return names.some(name => /(?:^|[a-z])(?:ECH|Ech)(?![a-z])|encryptedClientHello/.test(name))
    ? 'present_but_unused'
    : 'unsupported'
}
