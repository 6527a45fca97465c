import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const program = join(root, 'src/sealer/inside/main.ts')

/**
 * What a sealer process may read: its own source, openpgp, the splitter of multipart and a table of card brands, nothing else of the disk. It may not write a file,
 * open a socket, start a process or a thread, load an addon, or listen to an inspector: `--permission` denies what
 * is not allowed, and a process cannot undo it.
 */
export function sealerArguments(heapMegabytes: number): readonly string[] {
  return [
    '--permission',
    ...readablePaths().map(path => `--allow-fs-read=${path}`),
    '--disable-sigusr1',
    `--max-old-space-size=${heapMegabytes}`,
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--no-warnings',
  ]
}

/**
 * Starts a sealer: the pinned Node, no environment of ours, no standard streams. Not even stderr, because the last words of a
 * crashing process can hold content.
 */
export function startSealer(heapMegabytes: number): ChildProcess {
  return fork(program, [], {
    execPath: process.execPath,
    execArgv: [...sealerArguments(heapMegabytes)],
    // The library waits for each of its cryptographic steps; more threads only add switches between them.
    env: { UV_THREADPOOL_SIZE: '1' },
    cwd: root,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
}

function readablePaths(): string[] {
  return [
    join(root, 'package.json'),
    join(root, 'src/sealer/inside'),
    join(root, 'src/kernel'),
    join(root, 'src/card-data'),
    join(root, 'src/attachment-metadata'),
    packageOf('openpgp'),
    packageOf('@fastify/busboy'),
    packageOf('credit-card-type'),
  ]
}

/** The directory of an installed package, whether it was hoisted above this one or not. */
function packageOf(name: string): string {
  for (let directory = root; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name)
    if (existsSync(candidate)) return candidate
    if (directory === dirname(directory)) throw new Error(`${name} is not installed`)
  }
}
