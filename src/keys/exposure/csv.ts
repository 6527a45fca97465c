import { csvLine } from '../../kernel/index.ts'
import type { ExposedDelivery, Exposure } from './report.ts'

const columns = {
  message: row => row.message,
  delivery: row => row.delivery,
  application: row => row.applicationName,
  address: row => row.address,
  encryption_subkey: row => row.encryptionSubkey,
  accepted_at: row => row.acceptedAt.toISOString(),
  state: row => row.state,
  outcome: row => row.outcome ?? '',
  attempts: row => String(row.attempts),
  settled_at: row => row.settledAt?.toISOString() ?? '',
  host: row => row.host ?? '',
  tls_version: row => row.tls?.version ?? '',
  tls_cipher: row => row.tls?.cipher ?? '',
  server_certificate_sha256: row => row.tls?.certificateSha256 ?? '',
} as const satisfies Record<string, (row: ExposedDelivery) => string>

/** The report as CSV (RFC 4180), line by line, the header first. */
export async function* exposureCsv({ rows }: Exposure): AsyncGenerator<string> {
  yield csvLine(Object.keys(columns))
  for await (const row of rows) yield csvLine(Object.values(columns).map(column => column(row)))
}
