import { Command } from 'commander'
import { loadServeConfig, type Role } from '../../config/index.ts'
import { startGateway } from '../../gateway.ts'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import { assertSafeEnvironment, openLogger } from '../../platform/index.ts'
import { parseDescriptor } from '../descriptor.ts'
import { readPassphrase } from '../passphrase.ts'

/** `serve`: runs one replica until SIGTERM or SIGINT, then ends gracefully. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run the gateway')
    .option('--roles <list>', 'what this replica does', parseRoles, ['api', 'courier'] as const)
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .action(async (options: { roles: readonly Role[]; passphraseFd?: number }) => {
      assertSafeEnvironment(process.env, process.execArgv)
      const { config, secrets } = loadServeConfig(process.env, options.roles)
      const log = openLogger({ level: config.logLevel })
      const gateway = await startGateway(
        config,
        secrets,
        () => readPassphrase(options.passphraseFd, 'Passphrase: '),
        systemClock,
        log,
      )
      await new Promise<void>(resolve => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
      })
      await gateway.stop()
    })
}

function parseRoles(text: string): readonly Role[] {
  const roles = text.split(',')
  if (!roles.every(role => role === 'api' || role === 'courier')) {
    throw new SealpostError('usage', { detail: '--roles takes api, courier or both' })
  }
  return roles
}
