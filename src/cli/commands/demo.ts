import { Command } from 'commander'
import { isAddress, SealpostError } from '../../kernel/index.ts'

interface Options {
  readonly exit?: true
  readonly gpgRecipient?: string
  readonly to?: string
  readonly data?: string
}

/** `demo`: the whole story on this machine. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('see a message with a card number sealed, delivered and read, all on this machine')
    .option('--exit', 'end after the walk instead of staying up')
    .option('--gpg-recipient <file>', 'send to this certificate of your own instead of a fresh one')
    .option('--to <address>', 'its address')
    .option('--data <directory>', "keep PostgreSQL's data here instead of a temporary directory")
    .action(async (options: Options) => {
      const { exit = false, gpgRecipient: file, to: address, data } = options
      if ((file === undefined) !== (address === undefined)) {
        throw new SealpostError('usage', { detail: '--gpg-recipient and --to go together' })
      }
      if (address !== undefined && !isAddress(address))
        throw new SealpostError('usage', { detail: '--to is not an address' })
      // Loaded only here: it brings PostgreSQL's binaries, a mail server and the enrolment shortcut.
      const { runDemo } = await import('../../demo/index.ts').catch(absent)
      await runDemo({
        exit,
        data,
        own: file === undefined || address === undefined ? undefined : { file, address },
      })
    })
}

function absent(error: unknown): never {
  const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
  throw missing ? new SealpostError('usage', { detail: 'the demo is not part of this installation' }) : error
}
