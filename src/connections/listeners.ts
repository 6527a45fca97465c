import type { Listen } from '../config/index.ts'
import type { Connection } from './connection.ts'
import type { Installation } from './inventory.ts'
import { readCertificates, readLists } from './involved.ts'
import type { LastUse } from './store.ts'

export function listenerConnections(
  { config, secrets }: Installation,
  lastUse: LastUse,
): readonly Connection[] {
  const listener = (
    name: string,
    { host, port }: Listen,
    rest: Pick<Connection, 'peer' | 'revocation' | 'involved' | 'lastUsedAt'>,
  ): Connection => ({
    name,
    direction: 'in',
    place: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    floor: 'TLSv1.2',
    clientCertificate: false,
    exception: null,
    ...rest,
  })
  const own = readCertificates('own', secrets.certificate)
  const api = listener('listener-api', config.api, {
    peer: 'client_certificate',
    revocation: secrets.clientCrl === undefined ? 'none' : 'crl',
    involved: [...own, ...readCertificates('ca', secrets.clientCa), ...readLists(secrets.clientCrl)],
    lastUsedAt: lastUse.api,
  })
  const console = listener('listener-console', config.console, {
    peer: 'passkey_or_link',
    revocation: 'none',
    involved: own,
    lastUsedAt: lastUse.console,
  })
  const recipients = listener('listener-public', config.public, {
    peer: 'none',
    revocation: 'none',
    involved: readCertificates('own', secrets.publicIdentity.certificate),
    lastUsedAt: lastUse.public,
  })
  const ops = listener('listener-ops', config.ops, {
    peer: 'none',
    revocation: 'none',
    involved: own,
    lastUsedAt: null,
  })
  return config.roles.includes('api') ? [api, console, recipients, ops] : [ops]
}
