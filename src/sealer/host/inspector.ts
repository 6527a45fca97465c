import { type Address, SealpostError } from '../../kernel/index.ts'
import type {
  CertificatePolicy,
  CertificateVerdict,
  FromSealer,
  InspectionContext,
  ToSealer,
} from '../protocol.ts'
import { SealerProcess } from './sealer-process.ts'
import { isTooLarge, tooLarge, unexpected } from './unread.ts'
import { installedWeakRsaList, withoutWeakRsa } from './weak-rsa.ts'

export interface InspectorLimits {
  /** Processes, each on one question at a time. Default 1. */
  readonly processes: number
  /** Questions that wait; one more is refused with `overloaded`. Default 256. */
  readonly waiting: number
  /** Milliseconds for an answer, the start of a process included, before that process is killed. Default 10,000. */
  readonly answer: number
  /** Questions after which a process is replaced. Default 1,000. */
  readonly questions: number
  /** Heap of a process in MB. Default 64. */
  readonly heapMegabytes: number
}

const standardLimits: InspectorLimits = {
  processes: 1,
  waiting: 256,
  answer: 10_000,
  questions: 1000,
  heapMegabytes: 64,
}

/**
 * Answers questions about certificates from anyone, in kept processes that have no key. A question that takes too long
 * or too much memory fails alone, with `sealer_unavailable`; the next one finds a new process.
 */
export interface Inspector {
  /** The verdict on a file that claims to be an OpenPGP certificate for `address` at the time `at`. */
  inspect(
    bytes: Uint8Array,
    address: Address,
    at: Date,
    policy: CertificatePolicy,
    context?: InspectionContext,
  ): Promise<CertificateVerdict>
  /**
   * Whether `upload` shows that the owner of `certificate` (binary, as stored) revoked it: a stand-alone revocation, or a
   * copy of the same certificate with one, on the primary key or on the subkey named. The signature is verified; nothing
   * that it says of its time, reason or strength makes it count for less. False for anything else.
   */
  revokes(upload: Uint8Array, certificate: Uint8Array, encryptionSubkey?: string): Promise<boolean>
  /**
   * Two copies of one certificate made one, binary, with all that its owner said in either; undefined when `copy` is none,
   * cannot be read, or would make it too large. Only a new verdict says what the result is worth.
   */
  merge(known: Uint8Array, copy: Uint8Array): Promise<Uint8Array | undefined>
  /** Ends the processes; what waits fails with `sealer_unavailable`. */
  close(): Promise<void>
}

/** Throws `config_invalid` when a list of weak keys is not one. */
export function openInspector(options: Partial<InspectorLimits> = {}): Inspector {
  const limits = { ...standardLimits, ...options }
  const weakRsa = installedWeakRsaList()
  const seats = Array.from({ length: limits.processes }, () => new Seat(limits))
  const idle = [...seats]
  const waiting: { readonly take: (seat: Seat) => void; readonly refuse: (error: Error) => void }[] = []
  const closing = new AbortController()

  const seat = (): Promise<Seat> => {
    const free = idle.pop()
    if (free !== undefined) return Promise.resolve(free)
    if (waiting.length >= limits.waiting) return Promise.reject(new SealpostError('overloaded'))
    return new Promise((take, refuse) => waiting.push({ take, refuse }))
  }
  const ask = async (question: (job: number) => ToSealer): Promise<FromSealer> => {
    const taken = await seat()
    try {
      if (closing.signal.aborted) throw gone()
      return await taken.ask(question)
    } finally {
      const next = waiting.shift()
      if (next === undefined) idle.push(taken)
      else next.take(taken)
    }
  }

  return {
    async inspect(bytes, address, at, policy, context = {}) {
      if (isTooLarge(bytes)) return tooLarge
      const question = { type: 'inspect', certificate: bytes, address, at: at.getTime(), policy } as const
      const answer = await ask(job => ({ ...question, job, context }))
      if (answer.type !== 'inspected') throw unexpected(answer)
      return withoutWeakRsa(answer.verdict, weakRsa)
    },
    async revokes(upload, certificate, encryptionSubkey) {
      if (isTooLarge(upload)) return false
      const answer = await ask(job => ({ type: 'revokes', job, upload, certificate, encryptionSubkey }))
      if (answer.type !== 'revocation') throw unexpected(answer)
      return answer.revokes
    },
    async merge(known, copy) {
      if (isTooLarge(copy)) return undefined
      const answer = await ask(job => ({ type: 'merge', job, known, copy }))
      if (answer.type !== 'merged') throw unexpected(answer)
      return answer.certificate ?? undefined
    },
    async close() {
      closing.abort()
      for (const { refuse } of waiting.splice(0)) refuse(gone())
      await Promise.all(seats.map(each => each.end()))
    },
  }
}

/** Holds one process, and starts another when it has done its share or is dead. */
class Seat {
  readonly #limits: InspectorLimits
  #process: SealerProcess | undefined
  #asked = 0

  constructor(limits: InspectorLimits) {
    this.#limits = limits
  }

  async ask(question: (job: number) => ToSealer): Promise<FromSealer> {
    const process = await this.#ready()
    const job = process.beginJob()
    this.#asked++
    try {
      await process.send(question(job))
      return await process.answer(job, this.#limits.answer)
    } finally {
      process.endJob(job)
    }
  }

  async end(): Promise<void> {
    this.#process?.kill()
    await this.#process?.gone
  }

  async #ready(): Promise<SealerProcess> {
    const current = this.#process
    if (current?.alive === true && this.#asked < this.#limits.questions) return current
    await this.end()
    this.#asked = 0
    this.#process = new SealerProcess(this.#limits.heapMegabytes)
    return this.#process
  }
}

function gone(): SealpostError {
  return new SealpostError('sealer_unavailable', { detail: 'inspector closed' })
}
