import { Command } from 'commander'
import { listenerFiles, loadServeConfig, type Role } from '../../config/index.ts'
import { startGateway } from '../../gateway/index.ts'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import { assertSafeEnvironment, openLogger } from '../../platform/index.ts'
import { watchFiles } from '../../platform/tls/index.ts'
import { parseDescriptor } from '../descriptor.ts'
import { readPassphrase } from '../passphrase.ts'

// How often certificates, keys, CAs and lists are looked at, in milliseconds. SIGHUP looks at once.
const watchInterval = 5_000

/** `serve`: runs one replica until SIGTERM or SIGINT, then ends gracefully. Takes new certificates meanwhile. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('run the gateway')
    .option('--roles <list>', 'what this replica does', parseRoles, ['api', 'courier'] as const)
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .action(async (options: { roles: readonly Role[]; passphraseFd?: number }) => {
      assertSafeEnvironment(process.env, process.execArgv)
      // What changes from here on is noticed, while the passphrase is waited for too.
      const meanwhile = { changed: false }
      let reload = (): void => {
        meanwhile.changed = true
      }
      process.on('SIGHUP', () => reload())
      const unwatch = watchFiles(listenerFiles(process.env), watchInterval, () => reload())
      const { config, secrets } = loadServeConfig(process.env, options.roles)
      const log = openLogger({ level: config.logLevel })
      const gateway = await startGateway(
        config,
        secrets,
        () => readPassphrase(options.passphraseFd, 'Passphrase: '),
        systemClock,
        log,
      )
      reload = () => void gateway.reload(() => loadServeConfig(process.env, options.roles).secrets)
      if (meanwhile.changed) reload()
      await new Promise<void>(resolve => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
      })
      unwatch()
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
