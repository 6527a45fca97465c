import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { isAddress, SealpostError } from '../../kernel/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../platform/pki/index.ts'
import { print, printJson } from '../output.ts'

interface Options {
  readonly gateway: string
  readonly postgres: string
  readonly application: string
  readonly days: number
  readonly json?: true
}

/** `pki init`: what a first deployment needs and nobody should make by hand (docs/deployment.md). */
export function pkiCommand(): Command {
  const pki = new Command('pki').description('certificates for a first deployment')
  pki
    .command('init')
    .description('make two private CAs, their certificates and random database passwords, in a new directory')
    .argument('<directory>')
    .option('--gateway <name>', "the gateway's host name", hostName, 'gateway')
    .option('--postgres <name>', "PostgreSQL's host name", hostName, 'postgres')
    .option('--application <uri>', 'the identity of the first application', urn, 'urn:sealpost:app:example')
    .option('--days <n>', 'how long the certificates hold', wholeDays, 90)
    .option('--json', 'answer as JSON')
    .action(async (directory: string, options: Options) => {
      const files = await firstDeployment(options)
      await writeNew(directory, files)
      if (options.json) printJson({ directory, files: Object.keys(files) })
      else for (const name of Object.keys(files)) print(join(directory, name))
    })
  return pki
}

/** The content of each file by its name. Servers and applications have CAs of their own: neither can pose as the other. */
async function firstDeployment(options: Options): Promise<Record<string, string>> {
  const { gateway, postgres, application, days } = options
  const servers = await createAuthority({ commonName: 'Sealpost servers', days })
  const applications = await createAuthority({ commonName: 'Sealpost applications', days })
  return {
    ...pair('servers-ca', servers),
    ...pair('applications-ca', applications),
    ...pair('gateway', await issueServerCertificate(servers, { dnsNames: [gateway, 'localhost'], days })),
    ...pair('postgres', await issueServerCertificate(servers, { dnsNames: [postgres], days })),
    ...pair('application', await issueClientCertificate(applications, { uri: application, days })),
    'database-superuser-password': newPassword(),
    'database-owner-password': newPassword(),
    'database-gateway-password': newPassword(),
    'database-auditor-password': newPassword(),
  }
}

function pair(name: string, identity: Identity): Record<string, string> {
  return { [`${name}.pem`]: identity.certificate, [`${name}.key`]: identity.key }
}

/** 256 bits. */
function newPassword(): string {
  return `${randomBytes(32).toString('base64url')}\n`
}

/** Everything is for its owner's eyes only. A file that exists is never overwritten: it may be in use. */
async function writeNew(directory: string, files: Record<string, string>): Promise<void> {
  const existing = Object.keys(files).find(name => existsSync(join(directory, name)))
  if (existing !== undefined) {
    throw new SealpostError('usage', {
      detail: `${join(directory, existing)} exists; nothing was written`,
    })
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content, { flag: 'wx', mode: 0o600 })
  }
}

function hostName(text: string): string {
  if (!isAddress(`a@${text}`) || text !== text.toLowerCase())
    throw new InvalidArgumentError('It must be a host name in lower case.')
  return text
}

function urn(text: string): string {
  if (!/^[a-z][a-z0-9+.-]*:[!-~]{1,250}$/.test(text)) throw new InvalidArgumentError('It must be a URI.')
  return text
}

function wholeDays(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text))
    throw new InvalidArgumentError('It must be a number of days, 1 to 9999.')
  return Number(text)
}
