import { Command, CommanderError } from 'commander'
import { version } from '../kernel/index.ts'
import { exitCode } from './exit.ts'
import { printError } from './output.ts'

/** Loaded when asked for: each brings only what it needs. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand(),
  custody: async () => (await import('./commands/custody.ts')).custodyCommand(),
  app: async () => (await import('./commands/app.ts')).appCommand(),
  webhook: async () => (await import('./commands/webhook.ts')).webhookCommand(),
  operator: async () => (await import('./commands/operator.ts')).operatorCommand(),
  recipient: async () => (await import('./commands/recipient.ts')).recipientCommand(),
  destination: async () => (await import('./commands/destination.ts')).destinationCommand(),
  delivery: async () => (await import('./commands/delivery.ts')).deliveryCommand(),
  key: async () => (await import('./commands/key.ts')).keyCommand(),
  inventory: async () => (await import('./commands/inventory.ts')).inventoryCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  cert: async () => (await import('./commands/cert.ts')).certCommand(),
  policy: async () => (await import('./commands/policy.ts')).policyCommand(),
  scan: async () => (await import('./commands/scan.ts')).scanCommand(),
  pki: async () => (await import('./commands/pki.ts')).pkiCommand(),
  audit: async () => (await import('./commands/audit.ts')).auditCommand(),
}

/** Runs one command line, without the program's name; gives its exit code. Writes to the process's own output. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const program = new Command('sealpost')
    .description('A gateway that makes it safe to send cardholder data by email.')
    .version(version)
  const asked = args[0] ?? ''
  for (const [name, load] of Object.entries(commands)) {
    if (name === asked || !Object.hasOwn(commands, asked)) program.addCommand(await load())
  }
  overrideExits(program)
  try {
    await program.parseAsync(args, { from: 'user' })
    // A command that found something wrong says so there.
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    printError(error)
    return exitCode(error)
  }
}

/** Makes commander throw instead of exit, so that every way out passes here. */
function overrideExits(command: Command): void {
  command.exitOverride()
  for (const sub of command.commands) overrideExits(sub)
}
