import type { ChildProcess } from 'node:child_process'
import { SealpostError } from '../../kernel/index.ts'
import type { FromSealer, ToSealer } from '../protocol.ts'
import { isWellFormed } from './answers.ts'
import { startSealer } from './sandbox.ts'

/** What a process needs to seal. */
export type Opening = Omit<ToSealer & { type: 'key' }, 'type'>

type Answer = Extract<FromSealer, { readonly job: number }>

/** Answers of one job, in order. */
interface Mailbox {
  readonly waiting: Answer[]
  take: ((answer: Answer) => void) | undefined
  fail: (() => void) | undefined
}

/**
 * One child process, seen from the gateway. When it ends, for whatever reason, everything that waits for it fails with
 * `sealer_unavailable`, and nothing else does.
 */
export class SealerProcess {
  readonly #child: ChildProcess
  readonly #mailboxes = new Map<number, Mailbox>()
  #nextJob = 1
  #alive = true
  #greeting: ((greeting: 'ready' | 'key_refused' | 'gone') => void) | undefined
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>

  constructor(heapMegabytes: number) {
    this.#child = startSealer(heapMegabytes)
    this.#child.on('message', message => this.#receive(message as FromSealer))
    this.gone = new Promise(resolve => {
      const end = () => {
        this.#end()
        resolve()
      }
      this.#child.once('exit', end)
      // The process could not even be started, or killed.
      this.#child.once('error', end)
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many jobs it is on. */
  get load(): number {
    return this.#mailboxes.size
  }

  /** Hands the process its key. Answers once it can seal, or cannot. */
  async open(opening: Opening): Promise<'ready' | 'key_refused' | 'gone'> {
    const greeting = new Promise<'ready' | 'key_refused' | 'gone'>(resolve => {
      this.#greeting = resolve
    })
    this.send({ type: 'key', ...opening }).catch(() => this.kill())
    return this.#alive ? greeting : 'gone'
  }

  /** Registers a job; {@link endJob} must follow. */
  beginJob(): number {
    const job = this.#nextJob++
    this.#mailboxes.set(job, { waiting: [], take: undefined, fail: undefined })
    return job
  }

  endJob(job: number): void {
    this.#mailboxes.delete(job)
  }

  /** Resolves when the pipe took the message: the measure of backpressure. */
  send(message: ToSealer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#alive) {
        reject(unavailable('gone'))
        return
      }
      this.#child.send(message, error => (error === null ? resolve() : reject(unavailable('pipe'))))
    })
  }

  /** Whether it has said something that nobody took yet. */
  hasAnswered(job: number): boolean {
    return (this.#mailboxes.get(job)?.waiting.length ?? 0) > 0
  }

  /** The next answer for a job. A process that needs longer than the limit (milliseconds) is killed. */
  answer(job: number, limit: number): Promise<Answer> {
    const mailbox = this.#mailboxes.get(job)
    const ready = mailbox?.waiting.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (mailbox === undefined || !this.#alive) return Promise.reject(unavailable('gone'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.kill(), limit)
      mailbox.take = answer => {
        clearTimeout(timer)
        resolve(answer)
      }
      mailbox.fail = () => {
        clearTimeout(timer)
        reject(unavailable('process ended'))
      }
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #receive(message: FromSealer): void {
    if (!isSafe(message)) {
      this.kill()
      return
    }
    if (message.type === 'ready' || message.type === 'key_refused') return this.#greeting?.(message.type)
    // No mailbox: the job was abandoned while its answer was under way.
    const mailbox = this.#mailboxes.get(message.job)
    if (mailbox === undefined) return
    const take = mailbox.take
    mailbox.take = undefined
    mailbox.fail = undefined
    if (take === undefined) mailbox.waiting.push(message)
    else take(message)
  }

  #end(): void {
    this.#alive = false
    this.#greeting?.('gone')
    for (const mailbox of this.#mailboxes.values()) mailbox.fail?.()
  }
}

function isSafe(message: FromSealer): boolean {
  try {
    return isWellFormed(message)
  } catch {
    return false
  }
}

function unavailable(detail: string): SealpostError {
  return new SealpostError('sealer_unavailable', { detail })
}
