import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '../../src/platform/pki/index.ts'
import { eventually, freePort, type Receiver, type ReceiverTls } from './receiver.ts'
import { openWorkplace, run } from './run.ts'

/** What Postfix does with a mailbox: keeps its mail, or answers RCPT TO as its `check_recipient_access` table says. */
export type Mailboxes = Readonly<Record<string, 'keep' | `${4 | 5}${number} ${string}`>>

export interface Postfix extends Receiver {
  /** TLS from the first byte. */
  readonly implicitPort: number
  /** The mail that Postfix kept under this queue id, as a file of the mailbox; throws when it does not come. */
  mail(mailbox: string, queueId: string): Promise<Buffer>
  /** How many mails are in a mailbox. */
  count(mailbox: string): Promise<number>
}

/**
 * A Postfix instance of its own in a temporary directory, which accepts nothing without TLS unless it is `none`. Without
 * `tls` it speaks whatever it speaks by default. Its master process must be root.
 */
export async function startPostfix(
  identity: Identity,
  mailboxes: Mailboxes,
  tls?: ReceiverTls,
): Promise<Postfix> {
  if (process.getuid?.() !== 0) throw new Error('Postfix starts only as root: run the interop tests as root')
  await using opened = new AsyncDisposableStack()
  const home = opened.use(await openWorkplace())
  await chmod(home.path, 0o755)
  const owner = Number((await run('id', ['-u', 'postfix'])).output)
  const directory = async (name: string, uid = 0): Promise<string> => {
    const path = join(home.path, name)
    await mkdir(path)
    await chmod(path, 0o755)
    await chown(path, uid, 0)
    return path
  }
  const config = await directory('etc')
  const mail = await directory('mail', owner)
  const log = join(home.path, 'mail.log')
  const [port, implicitPort] = [await freePort(), await freePort()]
  // Read after privileges are dropped.
  const table = async (name: string, entries: readonly (readonly [string, string])[]): Promise<string> => {
    await writeFile(join(config, name), entries.map(([key, value]) => `${key} ${value}\n`).join(''))
    return `texthash:${join(config, name)}`
  }
  const kept = Object.entries(mailboxes).filter(([, answer]) => answer === 'keep')
  const refused = Object.entries(mailboxes).filter(([, answer]) => answer !== 'keep')
  await writeFile(
    join(config, 'main.cf'),
    settings({
      queue_directory: await directory('spool'),
      data_directory: await directory('data', owner),
      maillog_file: log,
      maillog_file_prefixes: home.path,
      virtual_mailbox_domains: [...new Set(Object.keys(mailboxes).map(domain))].join(', '),
      virtual_mailbox_base: mail,
      virtual_mailbox_maps: await table(
        'boxes',
        kept.map(([box]) => [box, `${box}/`]),
      ),
      virtual_uid_maps: `static:${owner}`,
      virtual_gid_maps: `static:${owner}`,
      virtual_minimum_uid: '1',
      smtpd_recipient_restrictions: `check_recipient_access ${await table('access', refused)}`,
      smtpd_tls_chain_files: await home.file('tls.pem', `${identity.key}\n${identity.certificate}`),
      ...(tls === undefined ? {} : speaking[tls]),
    }),
  )
  await writeFile(join(config, 'master.cf'), services(port, implicitPort))
  await run('postfix', ['-c', config, 'start'])
  opened.defer(async () => {
    await run('postfix', ['-c', config, 'stop'])
  })
  const mails = async (mailbox: string): Promise<readonly Buffer[]> => {
    const box = join(mail, mailbox, 'new')
    const names = await readdir(box).catch(() => [])
    return Promise.all(names.map(name => readFile(join(box, name))))
  }
  const readLog = (): Promise<string> => readFile(log, 'utf8').catch(() => '(none)')
  const resources = opened.move()
  return {
    port,
    implicitPort,
    log: readLog,
    logged: pattern =>
      eventually(async () => {
        const text = await readLog()
        return pattern.test(text) ? text : undefined
      }, readLog),
    mails: async () => (await Promise.all(kept.map(([mailbox]) => mails(mailbox)))).flat(),
    mail: (mailbox, queueId) =>
      eventually(async () => (await mails(mailbox)).find(file => file.includes(` id ${queueId}\n`)), readLog),
    count: async mailbox => (await mails(mailbox)).length,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

const speaking: Readonly<Record<ReceiverTls, Readonly<Record<string, string>>>> = {
  '1.2': { smtpd_tls_mandatory_protocols: '>=TLSv1.2, <=TLSv1.2' },
  '1.3': { smtpd_tls_mandatory_protocols: '>=TLSv1.3' },
  none: { smtpd_tls_security_level: 'none' },
}

function domain(mailbox: string): string {
  return mailbox.slice(mailbox.indexOf('@') + 1)
}

function settings(own: Readonly<Record<string, string>>): string {
  const all = {
    compatibility_level: '3.6',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    myhostname: 'mx.bank.test',
    mydestination: '',
    alias_maps: '',
    smtpd_peername_lookup: 'no',
    smtpd_relay_restrictions: 'reject_unauth_destination',
    smtpd_tls_security_level: 'encrypt',
    smtpd_tls_loglevel: '1',
    smtpd_tls_received_header: 'yes',
    message_size_limit: '60000000',
    virtual_mailbox_limit: '0',
    ...own,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

/** Debian's master.cf, cut down to what receiving needs. */
function services(port: number, implicitPort: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
127.0.0.1:${implicitPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`
}
