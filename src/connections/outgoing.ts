import type { Connection } from './connection.ts'
import type { Installation } from './inventory.ts'
import { readCertificates, readLists } from './involved.ts'
import type { LastUse } from './store.ts'

interface Known {
  readonly at: Date
  readonly lastUse: LastUse
  readonly pinned: readonly { readonly domain: string; readonly ca: string }[]
  readonly webhooks: readonly { readonly origin: string; readonly calledAt: Date | null }[]
  readonly minTls: 'TLSv1.2' | 'TLSv1.3' | undefined
}

export function outgoingConnections(installation: Installation, known: Known): readonly Connection[] {
  const { config, secrets } = installation
  const { lastUse } = known
  const common = { direction: 'out', floor: 'TLSv1.2', clientCertificate: false, exception: null } as const
  const roots = secrets.publicCa === undefined ? [] : readCertificates('ca', secrets.publicCa)
  const web = { ...common, peer: 'public_cas', revocation: 'none', involved: roots } as const
  const { resolver, discovery, keyserver } = config
  return [
    postgresql(installation, known),
    ...(config.roles.includes('courier') ? [mail(installation, known)] : []),
    ...(config.roles.includes('courier') && config.relayRule === undefined
      ? [{ ...web, name: 'mta-sts', place: 'https://mta-sts.DOMAIN', lastUsedAt: lastUse.mtaSts }]
      : []),
    ...(discovery
      ? [
          {
            ...web,
            name: 'wkd',
            place: 'https://openpgpkey.DOMAIN, https://DOMAIN',
            lastUsedAt: lastUse.discovery,
          },
        ]
      : []),
    ...(discovery && keyserver !== undefined
      ? [{ ...web, name: 'vks', place: keyserver, lastUsedAt: lastUse.discovery }]
      : []),
    ...syslog(installation, known),
    ...witnesses(installation, known),
    ...(config.roles.includes('courier') ? webhooksOf(installation, known) : []),
    {
      ...common,
      name: 'dns',
      place: resolver === undefined ? 'the resolver of the system' : `${resolver.address}:${resolver.port}`,
      floor: null,
      peer: resolver === undefined ? 'none' : 'loopback',
      revocation: 'none',
      involved: [],
      lastUsedAt: null,
      exception: {
        reason:
          resolver === undefined
            ? 'DNS as the system does it; nothing that it says is taken as proved, and DANE is off'
            : 'a validating resolver on this host; what it proves is proved by DNSSEC',
        until: null,
      },
    },
    {
      ...common,
      name: 'revocation',
      place: 'where certificates say that their CA publishes (CRL, OCSP)',
      floor: null,
      peer: 'signed_content',
      revocation: 'none',
      involved: [],
      lastUsedAt: lastUse.revocation,
      exception: {
        reason:
          'lists and responses are signed by the CA and verified (RFC 5280 section 8); nothing secret is asked',
        until: null,
      },
    },
  ]
}

function postgresql({ secrets: { database } }: Installation, { at }: Known): Connection {
  const common = { name: 'postgresql', direction: 'out', lastUsedAt: at } as const
  if (database.kind === 'socket') {
    return {
      ...common,
      place: database.directory,
      floor: null,
      peer: 'unix_socket',
      clientCertificate: false,
      revocation: 'none',
      involved: [],
      exception: { reason: 'a unix socket does not leave this host', until: null },
    }
  }
  const { tunnel } = database
  return {
    ...common,
    place: `${database.host}:${database.port}`,
    floor: tunnel === undefined ? 'TLSv1.3' : 'TLSv1.2',
    peer: 'configured_ca',
    clientCertificate: database.clientCertificate !== undefined,
    revocation: database.crl === undefined ? 'none' : 'crl',
    involved: [
      ...readCertificates('ca', database.ca),
      ...readCertificates('client', database.clientCertificate ?? ''),
      ...readLists(database.crl),
    ],
    exception: tunnel === undefined ? null : tunnel,
  }
}

/** Events of the audit log and checkpoints (RFC 5425). */
function syslog({ config, secrets }: Installation, { lastUse }: Known): readonly Connection[] {
  const { syslog: at } = config
  const { syslog: known } = secrets
  if (at === undefined || known === undefined) return []
  return [
    {
      name: 'syslog',
      direction: 'out',
      place: `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`,
      floor: 'TLSv1.2',
      peer: 'configured_ca',
      clientCertificate: known.identity !== undefined,
      revocation: known.crl === undefined ? 'none' : 'crl',
      involved: [
        ...readCertificates('ca', known.ca),
        ...readCertificates('client', known.identity?.certificate ?? ''),
        ...readLists(known.crl),
      ],
      lastUsedAt: lastUse.syslog,
      exception: null,
    },
  ]
}

/** Of the audit log (C2SP tlog-witness): checkpoints go there, which are no secret. */
function witnesses({ config, secrets }: Installation, { lastUse }: Known): readonly Connection[] {
  const ca = secrets.anchors?.witnessCa
  return (config.anchors?.witnesses ?? []).map(({ url }) => ({
    name: 'witness',
    direction: 'out',
    place: url,
    floor: 'TLSv1.2',
    peer: ca === undefined ? 'public_cas' : 'configured_ca',
    clientCertificate: false,
    revocation: 'none',
    involved: ca === undefined ? [] : readCertificates('ca', ca),
    lastUsedAt: lastUse.witness,
    exception: null,
  }))
}

/** What became of messages, to where applications have it told. */
function webhooksOf({ secrets }: Installation, { webhooks }: Known): readonly Connection[] {
  const ca = secrets.webhooks?.ca
  return webhooks.map(({ origin, calledAt }) => ({
    name: 'webhook',
    direction: 'out',
    place: origin,
    floor: 'TLSv1.2',
    peer: ca === undefined ? 'public_cas' : 'configured_ca',
    clientCertificate: false,
    revocation: 'none',
    involved: ca === undefined ? [] : readCertificates('ca', ca),
    lastUsedAt: calledAt,
    exception: null,
  }))
}

function mail({ config, secrets }: Installation, { lastUse, pinned, minTls }: Known): Connection {
  const relayed = config.relayRule !== undefined
  const identity = secrets.relayCredentials?.identity
  return {
    name: relayed ? 'relay' : 'smtp',
    direction: 'out',
    place: relayed ? 'the one server of SEALPOST_RELAY_RULE_FILE' : 'the mail servers of recipients’ domains',
    floor: minTls ?? 'TLSv1.2',
    peer: 'destination_rule',
    clientCertificate: relayed && identity !== undefined,
    revocation: 'crl_and_ocsp',
    involved: [
      ...(relayed ? [] : pinned.flatMap(({ domain, ca }) => readCertificates('ca', ca, domain))),
      ...readCertificates('client', identity?.certificate ?? ''),
      ...(secrets.publicCa === undefined ? [] : readCertificates('ca', secrets.publicCa)),
    ],
    lastUsedAt: lastUse.smtp,
    exception: null,
  }
}
