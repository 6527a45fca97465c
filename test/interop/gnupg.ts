import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { address } from '../sealer/support.ts'
import type { Opened, PeerKey, Reader } from './peer.ts'
import { attempt, type Ended, openWorkplace, run, type Workplace } from './run.ts'

const unattended = ['--batch', '--yes', '--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '']

/** GnuPG with a home, an agent and keyrings of its own. */
export class GnuPg implements AsyncDisposable {
  readonly #home: Workplace

  private constructor(home: Workplace) {
    this.#home = home
  }

  static async open(): Promise<GnuPg> {
    return new GnuPg(await openWorkplace())
  }

  run(args: readonly string[], input?: Uint8Array): Promise<Ended> {
    return run('gpg', this.#all(args), input)
  }

  /** Throws what gpg said unless it decrypts with integrity and finds exactly one signature, a good one. */
  async decrypt(message: Uint8Array): Promise<Opened> {
    const { status, output, complaint } = await attempt(
      'gpg',
      this.#all(['--status-fd', '2', '--decrypt']),
      message,
    )
    const told = [...complaint.matchAll(/^\[GNUPG:\] (\S+) ?(.*)$/gm)].map(([, word, rest]) => ({
      word,
      rest: rest ?? '',
    }))
    const words = told.map(({ word }) => word)
    const [good, ...more] = told.filter(({ word }) => word === 'VALIDSIG')
    const sound = words.includes('DECRYPTION_OKAY') && words.includes('GOODMDC') && words.includes('GOODSIG')
    if (status !== 0 || !sound || good === undefined || more.length > 0)
      throw new Error(`gpg ended with ${String(status)}: ${complaint}`)
    return { content: output, signer: good.rest.split(' ')[0] ?? '' }
  }

  /** A key with one encryption subkey; algorithms in gpg's words, for example `ed25519` and `cv25519`. */
  async generate(mailbox: string, primary: string, subkey: string, options: readonly string[] = []) {
    await this.run([...options, '--quick-generate-key', mailbox, primary, 'sign,cert', '1y'])
    const fingerprint = await this.fingerprint(mailbox)
    await this.run([...options, '--quick-add-key', fingerprint, subkey, 'encr', '1y'])
    return fingerprint
  }

  async exported(fingerprint: string): Promise<Buffer> {
    return (await this.run(['--export', fingerprint])).output
  }

  async exportedSecret(fingerprint: string): Promise<Buffer> {
    return (await this.run(['--export-secret-keys', fingerprint])).output
  }

  async key(mailbox: string, fingerprint: string): Promise<PeerKey> {
    const keys = await this.#listed(fingerprint)
    const encryption = keys.filter(({ record, can }) => record === 'sub' && can.includes('e'))
    if (encryption.length !== 1) throw new Error('not exactly one encryption subkey')
    return {
      address: address(mailbox),
      certificate: await this.exported(fingerprint),
      secretKey: await this.exportedSecret(fingerprint),
      fingerprint,
      encryptionSubkey: encryption[0]!.fingerprint,
    }
  }

  async fingerprint(of: string): Promise<string> {
    return (await this.#listed(of))[0]!.fingerprint
  }

  /** Whether gpg holds the certificate as usable: neither revoked, expired nor invalid, with a user ID. */
  async lists(fingerprint: string): Promise<boolean> {
    const [primary] = await this.#listed(fingerprint)
    return primary?.fingerprint === fingerprint && /^[-oqnmfu]?$/.test(primary.validity)
  }

  /** Answers the questions of `--edit-key` in their order. */
  async edit(fingerprint: string, answers: readonly string[]): Promise<void> {
    const interactive = ['--no-tty', '--pinentry-mode', 'loopback', '--passphrase', '', '--command-fd', '0']
    const args = ['--homedir', this.#home.path, ...interactive, '--expert', '--edit-key', fingerprint]
    await run('gpg', args, Buffer.from(answers.map(answer => `${answer}\n`).join('')))
  }

  /** The revocation certificate that gpg made with the key; it is defused by a colon, as gpg explains in the file. */
  async preparedRevocation(fingerprint: string): Promise<Buffer> {
    const file = join(this.#home.path, 'openpgp-revocs.d', `${fingerprint}.rev`)
    return Buffer.from((await readFile(file, 'utf8')).replace(/^:(?=-----BEGIN)/m, ''))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('gpgconf', ['--homedir', this.#home.path, '--kill', 'all'])
    await this.#home[Symbol.asyncDispose]()
  }

  #all(args: readonly string[]): string[] {
    return ['--homedir', this.#home.path, ...unattended, ...args]
  }

  /** gpg's own list (its doc/DETAILS): the primary key, then its subkeys. */
  async #listed(of: string) {
    const { output } = await this.run(['--list-keys', '--with-colons', '--with-subkey-fingerprint', of])
    const records = output
      .toString()
      .split('\n')
      .map(line => line.split(':'))
      .filter(([record]) => record === 'pub' || record === 'sub' || record === 'fpr')
    return records.flatMap((fields, i) => {
      const [record = '', validity = ''] = fields
      if (record === 'fpr') return []
      return [{ record, validity, can: fields[11] ?? '', fingerprint: records[i + 1]?.[9] ?? '' }]
    })
  }
}

export async function openGnuPgReader(
  secretKey: Uint8Array,
  gatewayCertificate: Uint8Array,
): Promise<Reader> {
  const gpg = await GnuPg.open()
  await gpg.run(['--import'], secretKey)
  await gpg.run(['--import'], gatewayCertificate)
  return {
    open: message => gpg.decrypt(message),
    [Symbol.asyncDispose]: () => gpg[Symbol.asyncDispose](),
  }
}
