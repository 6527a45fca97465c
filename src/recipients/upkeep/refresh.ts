import type { RefreshOutcome } from '../../keys/index.ts'
import { endOf, takeStale } from './store.ts'
import type { UpkeepParts } from './upkeep.ts'

const day = 86_400_000
/** Directories that are asked at a time, and certificates at most in one go. */
const workers = 8
const most = 400

/**
 * Looks once a day for a newer copy of each active certificate, in directories on the network; `look` is `keys`' own. A
 * failure concerns the one certificate, which has its next turn a day later. Gives how many were looked for.
 */
export async function refreshStale(
  parts: UpkeepParts,
  look: (fingerprint: string) => Promise<RefreshOutcome>,
  signal: AbortSignal,
): Promise<number> {
  const { knex, clock, log } = parts
  let taken = 0
  const work = async (): Promise<void> => {
    while (!signal.aborted && taken < most) {
      taken++
      const now = clock.now()
      // A crash here leaves a certificate that was not looked for today.
      const fingerprint = await takeStale(knex, new Date(now.getTime() - day), now)
      if (fingerprint === undefined) {
        taken--
        return
      }
      try {
        const outcome = await look(fingerprint)
        log.debug('certificate-refreshed', { fingerprint, outcome })
        if (outcome === 'renewed') await tellRenewed(parts, fingerprint)
        if (outcome === 'revoked') await tellRevoked(parts, fingerprint)
      } catch (error) {
        log.error('refresh-failed', error, { fingerprint })
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return taken
}

/** A crash before this leaves a renewal that its owner was not told of; it is in the audit log. */
async function tellRenewed({ knex, tell }: UpkeepParts, fingerprint: string): Promise<void> {
  const found = await endOf(knex, fingerprint)
  if (found === undefined || found.expiresAt === null) return
  const { expiresAt } = found
  await knex.transaction(async trx => {
    await tell.recipient(trx, found, 'certificate_extended', { fingerprint, expiresAt })
    await tell.admins(trx, found.address, 'certificate_extended', fingerprint)
  })
}

/** The recipient was told in the transaction of the revocation itself. */
async function tellRevoked({ knex, tell }: UpkeepParts, fingerprint: string): Promise<void> {
  const found = await endOf(knex, fingerprint)
  if (found === undefined) return
  await knex.transaction(trx => tell.admins(trx, found.address, 'certificate_revoked', fingerprint))
}
