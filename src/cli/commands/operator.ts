import { Command } from 'commander'
import {
  addOperator,
  issueSignInLink,
  listOperators,
  type OperatorRole,
  operatorRoles,
  revokeOperator,
} from '../../access/index.ts'
import { loadConsoleUrl } from '../../config/index.ts'
import { type Address, isAddress, SealpostError, systemClock } from '../../kernel/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `operator invite|list|revoke|sign-in`: the people who administer, and the links that they sign in by. */
export function operatorCommand(): Command {
  const operator = new Command('operator').description('the people who administer')
  operator
    .command('invite')
    .description('register an operator and print their first sign-in link')
    .argument('<name>', 'a name for people and logs; it is never given again')
    .requiredOption('--address <address>', 'where notices reach them')
    .requiredOption('--role <role...>', operatorRoles.join(', '))
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: { address: string; role: string[]; json?: true }) => {
      const [address, roles] = [checkAddress(options.address), checkRoles(options.role)]
      checkName(name)
      const consoleUrl = loadConsoleUrl(process.env)
      const link = await withOwner(async knex => {
        await addOperator(knex, systemClock, { name, address, roles })
        // A crash here leaves an operator without a link; `operator sign-in` makes one.
        return issueSignInLink(knex, systemClock, name)
      })
      printLink(consoleUrl, link, options)
    })
  operator
    .command('list')
    .option('--json', 'answer as JSON')
    .action(async (options: { json?: true }) => {
      const operators = await withOwner(listOperators)
      if (options.json) printJson(operators)
      else {
        for (const { id, name, address, roles, revokedAt } of operators) {
          const state = revokedAt === null ? 'in force' : 'revoked'
          print(inert(`${id}  ${name}  ${address}  ${roles.join(',')}  ${state}`))
        }
      }
    })
  operator
    .command('revoke')
    .description('end their access at once and for good; what they asked for is withdrawn')
    .argument('<name>')
    .action(async (name: string) => {
      const { id } = await withOwner(knex => revokeOperator(knex, systemClock, name))
      print(`${id} is revoked`)
    })
  operator
    .command('sign-in')
    .description('print a new sign-in link; earlier ones stop working')
    .argument('<name>')
    .option('--json', 'answer as JSON')
    .action(async (name: string, options: { json?: true }) => {
      const consoleUrl = loadConsoleUrl(process.env)
      printLink(consoleUrl, await withOwner(knex => issueSignInLink(knex, systemClock, name)), options)
    })
  return operator
}

function printLink(
  consoleUrl: string,
  { operator, token, expiresAt }: Awaited<ReturnType<typeof issueSignInLink>>,
  { json }: { json?: true },
): void {
  const link = `${consoleUrl}/sign-in/${token}`
  if (json) printJson({ operator, link, expiresAt })
  else {
    print(
      `${operator.id} ${operator.name} (${operator.roles.join(', ')}) signs in once, until ${time(expiresAt)}:`,
    )
    print(link)
  }
}

function time(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function checkName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw usage('the name must be lower-case letters, digits and hyphens')
  }
}

function checkAddress(text: string): Address {
  if (!isAddress(text)) throw usage('--address must be a plain mail address')
  return text
}

function checkRoles(texts: readonly string[]): readonly OperatorRole[] {
  return texts.map(text => {
    const role = operatorRoles.find(known => known === text)
    if (role === undefined) throw usage(`--role must be of: ${operatorRoles.join(', ')}`)
    return role
  })
}

function usage(detail: string): SealpostError {
  return new SealpostError('usage', { detail })
}
