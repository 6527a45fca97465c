import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SealpostError } from '../kernel/index.ts'
import { type NoteSigner, noteSigner, TlogError } from '../tlog/index.ts'
import { createOnce } from './files.ts'

const file = 'key'

/**
 * The witness's own key out of its directory; made there at the first start. Nobody else may read it. Throws `config_invalid` when it
 * cannot be used, or has another name than the one that is wanted.
 *
 * @param name undefined: any; a new key is then called `defaultName`
 */
export async function openKey(
  directory: string,
  name: string | undefined,
  defaultName: string,
): Promise<NoteSigner> {
  const path = join(directory, file)
  await createOnce(directory, file, Buffer.from(newKey(name ?? defaultName)), 0o600)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid('cannot be read', cause)
  })
  if (((await stat(path)).mode & 0o077) !== 0) throw invalid('can be read by others: chmod 0600 it')
  const signer = parseKey(text)
  if (name !== undefined && signer.verifier.name !== name)
    throw invalid('has another name; a witness keeps its name')
  return signer
}

/** One line: the words of a private note key, its name, and the private key (PKCS #8) in base64. */
function newKey(name: string): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  try {
    noteSigner(name, privateKey, 'cosignature')
  } catch (cause) {
    throw new SealpostError('usage', {
      detail: '--name must not be empty and has no space and no plus',
      cause,
    })
  }
  return `PRIVATE KEY ${name} ${privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')}\n`
}

function parseKey(text: string): NoteSigner {
  const [, name = '', base64 = ''] = /^PRIVATE KEY (\S+) (\S+)\n$/.exec(text) ?? []
  try {
    const key: KeyObject = createPrivateKey({
      key: Buffer.from(base64, 'base64'),
      type: 'pkcs8',
      format: 'der',
    })
    return noteSigner(name, key, 'cosignature')
  } catch (cause) {
    // What OpenSSL says of a private key stays here.
    throw invalid('is not a key', cause instanceof TlogError ? cause : undefined)
  }
}

function invalid(problem: string, cause?: unknown): SealpostError {
  return new SealpostError('config_invalid', { detail: `the key in --state ${problem}`, cause })
}
