import type { X509Certificate } from 'node:crypto'
import type { DatabaseConfig, Exposure, Secrets, SyslogSecrets } from '../../config/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import {
  type ClientTrust,
  certificatesOf,
  fingerprintOf,
  flawed,
  judgeClientIdentity,
  judgeIdentity,
  readTrust,
} from '../../platform/tls/index.ts'
import type { ListenerContext } from '../listener.ts'

export const listenerNames = ['api', 'console', 'public', 'ops'] as const
export type ListenerName = (typeof listenerNames)[number]

/** The files that a reload reads anew. */
export type OwnFiles = Pick<
  Secrets,
  | 'certificate'
  | 'key'
  | 'publicIdentity'
  | 'clientCa'
  | 'clientCrl'
  | 'database'
  | 'publicCa'
  | 'relayCredentials'
  | 'syslog'
>

export interface OwnTlsRules {
  readonly exposure: Exposure
  /** SHA-256 of certificates of other environments. */
  readonly foreign: readonly string[]
}

/** Files that passed, and what was read from them. */
export interface Accepted {
  readonly contexts: Readonly<Record<ListenerName, ListenerContext>>
  readonly certificates: Readonly<Record<ListenerName, Chain>>
  readonly trust: ClientTrust
  readonly files: OwnFiles
}

interface Chain {
  readonly own: X509Certificate
  readonly issuer: X509Certificate | undefined
}

/** `listener`: which of them, or `database` or `outgoing`, the flaw is of. */
export type Judged = Accepted | { readonly listener: string; readonly flaw: string }

export async function judgeFiles(
  files: OwnFiles,
  { exposure, foreign }: OwnTlsRules,
  now: Date,
): Promise<Judged> {
  const { publicIdentity, clientCa, clientCrl, database } = files
  const common = { cert: files.certificate, key: files.key }
  const publicly = exposure === 'external'
  let part = 'api'
  try {
    const own = await judgeIdentity(files, { now, foreign, publicly })
    const trust = await readTrust(clientCa, clientCrl, { now, foreign })
    part = 'public'
    const shown = await judgeIdentity(publicIdentity, { now, foreign, publicly })
    part = 'database'
    await assertDatabaseTrust(database, { foreign }, now)
    part = 'outgoing'
    judgeOutgoing(files, { now, foreign })
    part = 'syslog'
    await assertSyslogTrust(files.syslog, { now, foreign })
    return {
      contexts: {
        api: { ...common, ca: clientCa, ...(clientCrl === undefined ? {} : { crl: clientCrl }) },
        console: common,
        public: { cert: publicIdentity.certificate, key: publicIdentity.key },
        ops: common,
      },
      certificates: { api: own, console: own, public: shown, ops: own },
      trust,
      files,
    }
  } catch (error) {
    if (!(error instanceof SealpostError) || error.code !== 'tls_material_refused') throw error
    return { listener: part, flaw: error.details.detail ?? 'unknown' }
  }
}

/** Whether what PostgreSQL is reached with can be used here: CA, lists, our certificate. Throws `tls_material_refused`. */
export async function assertDatabaseTrust(
  database: DatabaseConfig,
  { foreign }: Pick<OwnTlsRules, 'foreign'>,
  now: Date,
): Promise<void> {
  if (database.kind === 'socket') return
  await readTrust(database.ca, database.crl, { now, foreign })
  const { clientCertificate: certificate, clientKey: key } = database
  if (certificate !== undefined && key !== undefined)
    judgeClientIdentity({ certificate, key }, { now, foreign })
}

/** Whether the syslog server can be known by these CAs and lists, and be shown our certificate. Throws `tls_material_refused`. */
async function assertSyslogTrust(
  syslog: SyslogSecrets,
  rules: { readonly now: Date; readonly foreign: readonly string[] },
): Promise<void> {
  if (syslog === undefined) return
  await readTrust(syslog.ca, syslog.crl, rules)
  if (syslog.identity !== undefined) judgeClientIdentity(syslog.identity, rules)
}

function judgeOutgoing(
  { publicCa, relayCredentials }: OwnFiles,
  rules: { readonly now: Date; readonly foreign: readonly string[] },
): void {
  const roots = publicCa === undefined ? [] : certificatesOf(publicCa, 'ca_unreadable')
  if (roots.some(root => rules.foreign.includes(fingerprintOf(root)))) throw flawed('foreign_certificate')
  if (relayCredentials?.identity !== undefined) judgeClientIdentity(relayCredentials.identity, rules)
}

const day = 86_400_000

/** When what ends, and how long before that it is spoken of. */
export function endings({ certificates, trust }: Accepted) {
  return [
    { what: 'certificate', at: certificates.api.own.validToDate, notice: 14 * day },
    { what: 'public_certificate', at: certificates.public.own.validToDate, notice: 14 * day },
    ...trust.authorities.map(ca => ({ what: 'client_ca', at: ca.validToDate, notice: 30 * day })),
    ...(trust.lists ?? []).map(list => ({ what: 'client_crl', at: list.nextUpdate, notice: day / 2 })),
  ]
}
