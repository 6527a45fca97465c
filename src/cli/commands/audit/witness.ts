import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { SealpostError, systemClock } from '../../../kernel/index.ts'
import { assertSafeEnvironment, openLogger } from '../../../platform/index.ts'
import { judgeIdentity } from '../../../platform/tls/index.ts'
import { type NoteVerifier, parseVerifier, TlogError } from '../../../tlog/index.ts'
import { openWitness, serveWitness } from '../../../witness/index.ts'
import { print } from '../../output.ts'

interface Options {
  readonly state: string
  readonly log: readonly NoteVerifier[]
  readonly name?: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly tlsCert: string
  readonly tlsKey: string
}

/** `audit witness`: runs until SIGTERM or SIGINT. Needs no database and no gateway (docs/anchors.md). */
export function auditWitnessCommand(): Command {
  return new Command('witness')
    .description('watch logs, and cosign that they only grow (C2SP tlog-witness)')
    .requiredOption('--state <directory>', 'its key and what it has seen; never put back from a copy')
    .requiredOption(
      '--log <key...>',
      'verifier keys of the logs, as `sealpost audit key` prints them',
      logKey,
    )
    .option('--name <name>', 'of its own key, made at the first start. Default: the host name and /witness')
    .requiredOption('--listen <address:port>', 'where it is reached', listenAt)
    .requiredOption('--tls-cert <file>', 'PEM file with its certificate chain')
    .requiredOption('--tls-key <file>', 'PEM file with the key of that certificate')
    .action(async ({ state, log: logs, name, listen, tlsCert, tlsKey }: Options) => {
      assertSafeEnvironment(process.env, process.execArgv)
      const log = openLogger({ level: 'info' })
      const identity = { certificate: read(tlsCert), key: read(tlsKey) }
      const { own } = await judgeIdentity(identity, { now: systemClock.now(), foreign: [] })
      const defaultName = `${hostOf(own)}/witness`
      const witness = await openWitness({ state, logs, name, defaultName, clock: systemClock })
      const server = await serveWitness(witness, { ...listen, ...identity, log })
      print(witness.verifier)
      log.info('witness-started', { port: server.port })
      await new Promise<void>(resolve => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
      })
      await server.close()
    })
}

function hostOf({ subjectAltName }: X509Certificate): string {
  return /DNS:([^,\s+]+)/.exec(subjectAltName ?? '')?.[1] ?? 'sealpost'
}

function logKey(text: string, before: readonly NoteVerifier[] = []): readonly NoteVerifier[] {
  try {
    return [...before, parseVerifier(text)]
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    throw new InvalidArgumentError('It must be a line name+id+base64.')
  }
}

function listenAt(text: string): Options['listen'] {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) throw new InvalidArgumentError('It must be ADDRESS:PORT.')
  return { host, port }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SealpostError('usage', { detail: `${path} cannot be read`, cause })
  }
}
