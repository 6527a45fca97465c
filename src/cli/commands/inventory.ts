import { Command } from 'commander'
import type { Knex } from 'knex'
import { loadServeConfig } from '../../config/index.ts'
import { type Connection, type ConnectionInventory, connectionsOf } from '../../connections/index.ts'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import { grouped, type Inventory, inventoryOf } from '../../keys/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withReader } from '../with-owner.ts'

/** `inventory`: which cryptography is in use, and every connection (PCI DSS 4.0.1, 4.2.1.1 and 12.3.3). */
export function inventoryCommand(): Command {
  return new Command('inventory')
    .description('every listener and connection, and the algorithms, formats and ends of all certificates')
    .option('--json', 'answer as JSON')
    .action(async ({ json }: { json?: true }) => {
      const [inventory, connections] = await withReader(
        async knex => [await inventoryOf(knex, systemClock.now()), await connectionsHere(knex)] as const,
      )
      if (json) {
        printJson({ ...inventory, connections })
        return
      }
      printCertificates(inventory)
      if ('missing' in connections)
        print(`connections: not told without the settings of serve: ${connections.missing}`)
      else printConnections(connections)
    })
}

/** What is not set. */
interface Missing {
  readonly missing: string
}

/** As the settings of this environment have them; without those of `serve`, only what is missing for it. */
async function connectionsHere(knex: Knex): Promise<ConnectionInventory | Missing> {
  try {
    return await connectionsOf(knex, systemClock, loadServeConfig(process.env, ['api', 'courier']))
  } catch (error) {
    if (!(error instanceof SealpostError) || error.code !== 'config_invalid') throw error
    return { missing: error.details.detail ?? error.code }
  }
}

function printCertificates({ signingKey, certificates }: Inventory): void {
  print(
    signingKey === null
      ? 'signing key: none'
      : `signing key: ${grouped(signingKey.fingerprint)}  ${signingKey.algorithm}  since ${day(signingKey.createdAt)}`,
  )
  for (const { algorithm, format, state, ending, certificates: count } of certificates) {
    print(inert([String(count).padStart(7), algorithm, format, state, ending].join('  ')))
  }
}

function printConnections({ profile, reviewBy, connections }: ConnectionInventory): void {
  print('')
  print(`TLS profile: ${profile.library}; review by ${reviewBy ?? 'unknown: no policy is in force'}`)
  print(`  suites: ${profile.suites.join(' ')}`)
  print(`  groups: ${profile.groups.join(' ')}`)
  print(`  Encrypted Client Hello: ${profile.encryptedClientHello}`)
  for (const connection of connections) for (const line of describe(connection)) print(inert(line))
}

function describe(connection: Connection): readonly string[] {
  const { name, direction, place, floor, peer, clientCertificate, revocation, involved, lastUsedAt } =
    connection
  const { exception } = connection
  const ends = involved.toSorted((one, other) => one.endsAt.getTime() - other.endsAt.getTime())
  return [
    `${name} (${direction}) ${place}`,
    `  ${floor ?? 'no TLS'}; peer: ${peer}${clientCertificate ? '; with our certificate' : ''}; revocation: ${revocation}; last used: ${lastUsedAt === null ? 'unknown' : lastUsedAt.toISOString()}`,
    ...(exception === null
      ? []
      : [
          `  exception${exception.until === null ? '' : ` until ${day(exception.until)}`}: ${exception.reason}`,
        ]),
    ...ends.map(
      ({ what, domain, sha256, endsAt }) =>
        `  ${what}${domain === undefined ? '' : ` of ${domain}`} ends ${day(endsAt)}  ${sha256 ?? ''}`,
    ),
  ]
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10)
}
