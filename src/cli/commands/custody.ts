import { open, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { loadMailHost } from '../../config/index.ts'
import { initSigningKey, ownAddress } from '../../custody/index.ts'
import { armour, SealpostError, systemClock } from '../../kernel/index.ts'
import { generateSigningKey } from '../../sealer/host/index.ts'
import { parseDescriptor } from '../descriptor.ts'
import { print, printJson } from '../output.ts'
import { readPassphrase } from '../passphrase.ts'
import { withOwner } from '../with-owner.ts'
import { dkimCommand } from './custody-dkim.ts'

const leastPassphrase = 16

/** `custody init`: makes the gateway's signing key, wrapped by a passphrase that is nowhere stored. */
export function custodyCommand(): Command {
  const custody = new Command('custody').description("the gateway's own keys")
  custody
    .command('init')
    .description('generate the signing key')
    .option('--passphrase-fd <n>', 'read the passphrase from this file descriptor', parseDescriptor)
    .option(
      '--certificate <file>',
      'write the public certificate, which recipients verify with, to a new file',
    )
    .option('--json', 'answer as JSON')
    .action(async (options: { passphraseFd?: number; certificate?: string; json?: true }) => {
      const userId = ownAddress(loadMailHost(process.env))
      if (options.certificate !== undefined) await (await open(options.certificate, 'wx')).close()
      const passphrase = await readPassphrase(options.passphraseFd, 'New passphrase: ')
      if (passphrase.length < leastPassphrase) {
        throw new SealpostError('usage', {
          detail: `the passphrase needs at least ${leastPassphrase} characters`,
        })
      }
      const { fingerprint, certificate } = await withOwner(knex =>
        initSigningKey(knex, systemClock, generateSigningKey, userId, passphrase),
      )
      const text = armour('PUBLIC KEY BLOCK', certificate)
      if (options.certificate !== undefined) await writeFile(options.certificate, text)
      if (options.json) printJson({ fingerprint, userId, certificate: text })
      else print(`signing key ${fingerprint} for ${userId}\n\n${text}`)
    })
  custody.addCommand(dkimCommand())
  return custody
}
