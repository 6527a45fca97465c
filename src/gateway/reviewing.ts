import type { ConnectionInventory } from '../connections/index.ts'
import type { Expiring } from '../review/index.ts'

const words = {
  own: 'own certificate',
  client: 'own certificate',
  ca: 'CA',
  crl: 'list of revoked certificates',
} as const

/** What the connections of an installation rest on, each once, with its end. */
export function endingOf({ connections }: ConnectionInventory): readonly Expiring[] {
  const found = connections.flatMap(({ name, involved }) =>
    involved.map(({ what, domain, sha256, endsAt }): readonly [string, Expiring] => [
      `${what} ${domain ?? ''} ${sha256 ?? `${name} ${endsAt.getTime()}`}`,
      {
        what: words[what],
        about: [name, domain, sha256].filter(part => part != null).join(' '),
        endsAt: endsAt.toISOString(),
      },
    ]),
  )
  // The last of equal keys stands: several listeners show the same certificate.
  return [...new Map(found).values()]
}
