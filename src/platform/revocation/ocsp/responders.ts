import { createHash } from 'node:crypto'
import type { Clock } from '../../../kernel/index.ts'
import type { CertificateParts } from '../asn1/certificate.ts'
import type { Issuer } from '../crl/read.ts'
import type { SignedFetch } from '../fetch.ts'
import { ocspRequest } from './certificate-id.ts'
import { type OcspAnswer, readOcspResponse } from './read.ts'

export interface Responders {
  /** A fresh answer by one of these responders, or undefined. Never rejects. */
  ask(subject: CertificateParts, issuer: Issuer, urls: readonly URL[]): Promise<OcspAnswer | undefined>
  /** What is in memory: whether it is fresh, and old enough to be asked for again. */
  held(subject: CertificateParts, issuer: Issuer): { answer: OcspAnswer; isDue: boolean } | undefined
}

interface Held {
  readonly answer: OcspAnswer
  readonly askedAt: number
}

const minute = 60_000
const refreshAfter = 60 * minute
const retryAfter = minute
const skew = 5 * minute
const most = 1000

/** Asks OCSP responders (RFC 6960 appendix A.1, by POST), once at a time for each certificate, and keeps their answers. */
export function openResponders(dependencies: {
  readonly fetch: SignedFetch
  readonly clock: Clock
}): Responders {
  const { fetch, clock } = dependencies
  const answers = new Map<string, Held>()
  const asking = new Map<string, Promise<OcspAnswer | undefined>>()
  const failedAt = new Map<string, number>()

  const held = (key: string): { answer: OcspAnswer; isDue: boolean } | undefined => {
    const known = answers.get(key)
    if (known === undefined || !isFresh(known.answer, clock.now())) return undefined
    return { answer: known.answer, isDue: isOver(known.askedAt, refreshAfter) }
  }
  const isOver = (since: number | undefined, time: number): boolean =>
    since === undefined || Math.abs(clock.now().getTime() - since) >= time

  const askAll = async (
    key: string,
    subject: CertificateParts,
    issuer: Issuer,
    urls: readonly URL[],
  ): Promise<OcspAnswer | undefined> => {
    const bytes = ocspRequest(subject, issuer.parts)
    for (const url of urls) {
      const response = await fetch(url, { contentType: 'application/ocsp-request', bytes })
      const answer = response && (await soundAnswer(response, subject, issuer, clock.now()))
      if (answer !== undefined) {
        const known = answers.get(key)
        const best =
          known !== undefined && known.answer.thisUpdate > answer.thisUpdate ? known.answer : answer
        if (answers.size >= most) answers.clear()
        answers.set(key, { answer: best, askedAt: clock.now().getTime() })
        return best
      }
    }
    if (failedAt.size >= most) failedAt.clear()
    failedAt.set(key, clock.now().getTime())
    return undefined
  }

  return {
    held: (subject, issuer) => held(keyOf(subject, issuer)),
    async ask(subject, issuer, urls) {
      const key = keyOf(subject, issuer)
      const known = held(key)
      if (known !== undefined && !known.isDue) return known.answer
      if (!isOver(failedAt.get(key), retryAfter)) return known?.answer
      const running = asking.get(key) ?? askAll(key, subject, issuer, urls)
      asking.set(key, running)
      try {
        return (await running) ?? known?.answer
      } finally {
        asking.delete(key)
      }
    },
  }
}

/** The answer in a response, if it is sound and fresh at `now`. */
export async function soundAnswer(
  response: Buffer,
  subject: CertificateParts,
  issuer: Issuer,
  now: Date,
): Promise<OcspAnswer | undefined> {
  try {
    const answer = await readOcspResponse(response, subject, issuer, now)
    return isFresh(answer, now) ? answer : undefined
  } catch {
    // Unsound in one of a hundred ways, all of which say the same: nothing is known.
    return undefined
  }
}

function isFresh({ thisUpdate, nextUpdate }: OcspAnswer, now: Date): boolean {
  return thisUpdate.getTime() <= now.getTime() + skew && now < nextUpdate
}

function keyOf(subject: CertificateParts, issuer: Issuer): string {
  return createHash('sha256')
    .update(issuer.parts.subject)
    .update(issuer.parts.key)
    .update(subject.serial)
    .digest('hex')
}
