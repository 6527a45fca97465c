import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'

export interface Ended {
  readonly status: number | null
  readonly output: Buffer
  readonly complaint: string
}

/**
 * Runs a program to its end, however that is. Throws, naming the package to install, when the program is absent: these
 * tests are never skipped.
 */
export async function attempt(
  command: string,
  args: readonly string[],
  input?: Uint8Array,
  timeout = 60_000,
): Promise<Ended> {
  const child = spawn(command, args, {
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    timeout,
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`${command} is not here; ${remedy}`) : error)
    })
  })
  // A program that does not read its input to the end is judged by what it says, not by the broken pipe.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const ended = Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  const [output, complaint] = await Promise.race([ended, failed])
  return { status: child.exitCode, output, complaint }
}

const remedy =
  'the interop tests need: apt-get install --no-install-recommends gnupg sq gosop postfix unbound ldnsutils openssl testssl.sh bsdmainutils dnsutils nginx-light rsyslog rsyslog-openssl rsyslog-gnutls libimage-exiftool-perl qpdf poppler-utils imagemagick unzip python3-docx python3-odf python3-openpyxl python3-pil curl openjdk-17-jdk-headless'

/** Runs a program that must succeed. */
export async function run(command: string, args: readonly string[], input?: Uint8Array): Promise<Ended> {
  const ended = await attempt(command, args, input)
  if (ended.status === 0) return ended
  throw new Error(`${command} ${args.join(' ')} ended with ${String(ended.status)}: ${ended.complaint}`)
}

/** A directory of its own that goes with its files. */
export interface Workplace extends AsyncDisposable {
  readonly path: string
  /** Writes a file and gives its path. */
  file(name: string, content: Uint8Array | string): Promise<string>
}

export async function openWorkplace(): Promise<Workplace> {
  const path = await mkdtemp(join(tmpdir(), 'sealpost-interop-'))
  return {
    path,
    async file(name, content) {
      await writeFile(join(path, name), content, { mode: 0o600 })
      return join(path, name)
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
