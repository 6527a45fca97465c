import { once } from 'node:events'
import { Command } from 'commander'
import { loadNoticeConfig } from '../../config/index.ts'
import { stopDeliveries } from '../../delivery/index.ts'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import {
  type CertificateFilter,
  type CertificateRecord,
  type CertificateState,
  exposureCsv,
  exposureJson,
  exposureOf,
  findCertificate,
  fingerprintWords,
  grouped,
  listCertificates,
  type RevocationReason,
  revocationReasons,
  revokeCertificate,
} from '../../keys/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

const host = { kind: 'host' } as const
const states = ['active', 'retired', 'revoked'] as const

/** `key list|show|revoke|exposure`: the certificates of recipients, from the day that they were activated. */
export function keyCommand(): Command {
  const key = new Command('key').description('certificates that are or were in use')
  key
    .command('list')
    .option('--state <state>', states.join(', '), parseState)
    .option('--expires-before <time>', 'ISO 8601', parseTime)
    .option('--json', 'answer as JSON')
    .action(async (options: { state?: CertificateState; expiresBefore?: Date; json?: true }) => {
      const { state, expiresBefore, json } = options
      const records = await allOf({ ...(state && { state }), ...(expiresBefore && { expiresBefore }) })
      if (json) printJson(records)
      else for (const record of records) print(lineOf(record))
    })
  key
    .command('show')
    .argument('<fingerprint>', 'in full', parseFingerprint)
    .option('--json', 'answer as JSON')
    .action(async (fingerprint: string, { json }: { json?: true }) => {
      const record = await withOwner(knex => findCertificate(knex, fingerprint))
      if (json) printJson({ ...record, words: fingerprintWords(fingerprint) })
      else print(record.subkeys.map(describe).join('\n\n'))
    })
  key
    .command('revoke')
    .description('stop using a certificate with all its subkeys, at once and for good')
    .argument('<fingerprint>', 'in full', parseFingerprint)
    .requiredOption('--reason <reason>', revocationReasons.join(', '), parseReason)
    .option('--json', 'answer as JSON')
    .action(async (fingerprint: string, { reason, json }: { reason: RevocationReason; json?: true }) => {
      const sender = loadNoticeConfig(process.env)
      const order = { actor: host, means: 'host', reason, fingerprint, stop: stopDeliveries, sender } as const
      const revocation = await withOwner(knex =>
        knex.transaction(trx => revokeCertificate(trx, systemClock, order)),
      )
      if (revocation.outcome === 'unknown_certificate') throw new SealpostError('not_found')
      if (json) {
        printJson({ fingerprint, ...revocation })
        return
      }
      print(
        revocation.outcome === 'revoked'
          ? `${fingerprint} is revoked; deliveries stopped: ${revocation.stopped}`
          : `${fingerprint} was revoked before`,
      )
      if (reason === 'compromised') print(`What it opens: sealpost key exposure ${fingerprint}`)
    })
  key
    .command('exposure')
    .description('every delivery that the holder of the private key, with all its subkeys, can read')
    .argument('<fingerprint>', 'in full', parseFingerprint)
    .option('--since <time>', 'accepted at or after, ISO 8601', parseTime)
    .option('--csv', 'answer as CSV (the default)')
    .option('--json', 'answer as JSON')
    .action(async (fingerprint: string, { since, csv, json }: { since?: Date; csv?: true; json?: true }) => {
      if (csv && json) throw usage('--csv or --json, not both')
      await withOwner(async knex => {
        const exposure = await exposureOf(knex, systemClock, host, fingerprint, since)
        for await (const piece of json ? exposureJson(exposure) : exposureCsv(exposure)) {
          if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
        }
      })
    })
  return key
}

function allOf(filter: CertificateFilter): Promise<readonly CertificateRecord[]> {
  return withOwner(async knex => {
    const limit = 200
    const all: CertificateRecord[] = []
    for (let after: CertificateRecord | undefined; ; after = all.at(-1)) {
      const page = await listCertificates(knex, filter, { limit, ...(after && { after }) })
      all.push(...page)
      if (page.length < limit) return all
    }
  })
}

function lineOf(record: CertificateRecord): string {
  const { fingerprint, encryptionSubkey, address, algorithm, format, state, expiresAt } = record
  const end = expiresAt?.toISOString().slice(0, 10) ?? 'no end'
  return inert(
    `${fingerprint}  ${state}  ${address}  ${algorithm}  ${format}  ${end}  subkey ${encryptionSubkey}`,
  )
}

function describe(record: CertificateRecord): string {
  const facts: readonly (readonly [string, string | Date | null])[] = [
    ['in words', fingerprintWords(record.fingerprint).join(' ')],
    ['recipient', `${record.recipient} ${record.address}`],
    ['state', record.revokedFor === null ? record.state : `${record.state} (${record.revokedFor})`],
    ['encryption subkey', grouped(record.encryptionSubkey)],
    ['algorithm', `${record.algorithm}, ${record.format}`],
    ['activated', record.acceptedAt],
    ['ends', record.expiresAt],
    ['retired', record.retiredAt],
    ['finishes until', record.finishUntil],
    ['revoked', record.revokedAt],
    ['looked up', record.refreshedAt],
  ]
  const lines = facts.flatMap(([name, value]) => {
    const text = value instanceof Date ? value.toISOString() : value
    return text === null ? [] : [`  ${name.padEnd(18)} ${inert(text)}`]
  })
  return [grouped(record.fingerprint), ...lines].join('\n')
}

function parseFingerprint(text: string): string {
  const fingerprint = text.replace(/[ :]/g, '').toUpperCase()
  if (!/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(fingerprint))
    throw usage('a fingerprint has 40 or 64 hexadecimal digits')
  return fingerprint
}

function parseTime(text: string): Date {
  const time = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}(?:T|$)/.test(text) || Number.isNaN(time.getTime()))
    throw usage('a time is ISO 8601, such as 2026-11-20T12:00:00Z')
  return time
}

function parseReason(text: string): RevocationReason {
  const reason = revocationReasons.find(known => known === text)
  if (reason === undefined) throw usage(`--reason must be one of ${revocationReasons.join(', ')}`)
  return reason
}

function parseState(text: string): CertificateState {
  const state = states.find(known => known === text)
  if (state === undefined) throw usage(`--state must be one of ${states.join(', ')}`)
  return state
}

function usage(detail: string): SealpostError {
  return new SealpostError('usage', { detail })
}
