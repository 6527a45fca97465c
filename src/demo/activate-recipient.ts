import type { Knex } from 'knex'
import { appendEvents } from '../audit/index.ts'
import { type Address, type Clock, newId, type RecipientId, SealpostError } from '../kernel/index.ts'
import { certificatePolicy, loadPolicy } from '../policy/index.ts'
import { inspectCertificate } from '../sealer/host/index.ts'
import { insertActiveRecipient } from './store.ts'

/**
 * Makes an address a recipient without enrolment: for the demo, the bench and the tests. It needs the database's
 * owner (the gateway's role may not insert recipients), and nothing that `serve` loads reaches this file
 * (`test/architecture`). The certificate's verdict is not skipped: throws `certificate_refused`.
 *
 * @param certificate binary
 */
export async function activateRecipient(
  owner: Knex,
  clock: Clock,
  address: Address,
  certificate: Uint8Array,
): Promise<RecipientId> {
  const at = clock.now()
  const policy = certificatePolicy(loadPolicy('standard'))
  const verdict = await inspectCertificate(certificate, address, at, policy)
  const { fingerprint, encryptionSubkey, algorithm, format, expires } = verdict
  if (
    verdict.verdict !== 'accept' ||
    fingerprint === null ||
    encryptionSubkey === null ||
    algorithm === null ||
    format === null
  ) {
    throw new SealpostError('certificate_refused', { detail: verdict.reasons.join(', ') })
  }
  const id = newId('rcp', clock)
  await owner.transaction(async trx => {
    await insertActiveRecipient(trx, {
      id,
      address,
      at,
      certificate: { fingerprint, bytes: certificate, encryptionSubkey, algorithm, format, expires },
    })
    await appendEvents(trx, clock, [
      {
        actor: { kind: 'host' },
        event: { type: 'recipient.activated', recipient: id, certificate: fingerprint },
      },
    ])
  })
  return id
}
