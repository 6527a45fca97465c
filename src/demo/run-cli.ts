import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/sealpost', import.meta.url))

export type Environment = Readonly<Record<string, string>>

/** Runs one command of our own CLI to its end and gives its standard output. Throws what it said on failure. */
export async function runCli(
  args: readonly string[],
  environment: Environment,
  passphrase = '',
): Promise<string> {
  const child = start(args, environment, passphrase)
  const [output, complaint, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  if (code !== 0) throw new Error(`sealpost ${args.join(' ')} ended with ${code}: ${complaint}`)
  return output
}

/** `sealpost serve` as a process of its own. */
export interface GatewayProcess {
  readonly pid: number
  readonly apiPort: number
  readonly opsPort: number
  /** Everything it has logged. */
  readonly logLines: readonly string[]
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<void>
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>
}

/** Starts `serve` and waits until it says that it is ready. Throws what it said when it ends instead. */
export async function startGatewayProcess(
  environment: Environment,
  passphrase: string,
): Promise<GatewayProcess> {
  const child = start(['serve', '--passphrase-fd', '3'], environment, passphrase)
  const ended = once(child, 'close')
  const complaint = text(child.stderr)
  const logLines: string[] = []
  const ports = new Promise<{ port: number; opsPort: number }>(resolve => {
    createInterface({ input: child.stdout }).on('line', line => {
      logLines.push(line)
      if (line.includes('"gateway-started"')) resolve(JSON.parse(line) as { port: number; opsPort: number })
    })
  })
  const failed = ended.then(async ([code]) => {
    throw new Error(
      `sealpost serve ended with ${String(code)}: ${await complaint}${logLines.slice(-3).join('\n')}`,
    )
  })
  failed.catch(() => undefined)
  const { port, opsPort } = await Promise.race([ports, failed])
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await ended
  }
  return {
    pid: child.pid ?? 0,
    apiPort: port,
    opsPort,
    logLines,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

type Child = ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream }

function start(args: readonly string[], environment: Environment, passphrase: string): Child {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches only the demo, which then ends its processes in the right order.
    detached: true,
  }) as Child
  const descriptor = child.stdio[3] as NodeJS.WritableStream
  descriptor.on('error', () => undefined)
  descriptor.end(`${passphrase}\n`)
  return child
}
