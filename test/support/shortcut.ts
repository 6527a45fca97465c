import type { Knex } from 'knex'
import { appendEvents } from '../../src/audit/index.ts'
import type { DestinationRule } from '../../src/delivery/index.ts'
import { type Address, newId, type RecipientId, systemClock } from '../../src/kernel/index.ts'
import { certificatePolicy, loadPolicy, readPolicyFile } from '../../src/policy/index.ts'
import { inspectCertificate } from '../../src/sealer/host/index.ts'

/*
 * What takes two operators and days in life, done by the database's owner in one statement: for tests and benches that
 * are about something else. The gateway's role can do none of it, and nothing in src/ knows of it.
 */

/** For a signing key whose passphrase nobody guesses: at the standard cost, deriving was a tenth of the whole run. */
export const quickToDerive = 2 ** 10

const farAway = new Date('2100-01-01T00:00:00Z')

/** Makes an address an active recipient. The certificate's verdict is not skipped. @param certificate binary */
export async function activateRecipient(
  owner: Knex,
  address: Address,
  certificate: Uint8Array,
): Promise<RecipientId> {
  const at = systemClock.now()
  const policy = certificatePolicy(loadPolicy('standard'))
  const verdict = await inspectCertificate(certificate, address, at, policy)
  const { fingerprint, encryptionSubkey, algorithm, format, expires } = verdict
  if (verdict.verdict === 'reject' || fingerprint === null) throw new Error(verdict.reasons.join(', '))
  const id = newId('rcp', systemClock)
  await owner.transaction(async trx => {
    await trx('recipients').insert({
      id,
      address,
      kind: 'supplier',
      organisation: 'Test',
      state: 'active',
      created_at: at,
      attested_until: farAway,
    })
    await trx('certificates').insert({
      fingerprint,
      recipient_id: id,
      bytes: Buffer.from(certificate),
      encryption_subkey: encryptionSubkey,
      algorithm,
      format,
      state: 'active',
      accepted_at: at,
      expires_at: expires,
    })
    await appendEvents(trx, systemClock, [
      {
        actor: { kind: 'host' },
        event: { type: 'recipient.activated', recipient: id, certificate: fingerprint },
      },
    ])
  })
  return id
}

/** Puts a policy of keys-policy in force, from 2020 for another year: without one, nothing is accepted or sent. */
export async function approvePolicy(owner: Knex, policy = 'standard'): Promise<void> {
  const from = new Date('2020-01-01T00:00:00Z')
  await owner('policy_records').insert({
    id: newId('pol', systemClock),
    policy,
    sha256: readPolicyFile(policy).sha256,
    effective_at: from,
    expires_at: new Date(systemClock.now().getTime() + 365 * 86_400_000),
    approved_at: from,
  })
}

/** From now on the mail servers of a domain are found and authenticated like this. Open sessions end within a minute. */
export async function setDestination(owner: Knex, domain: string, rule: DestinationRule): Promise<void> {
  await owner('destinations')
    .insert({ domain, rule: JSON.stringify(rule), updated_at: systemClock.now() })
    .onConflict('domain')
    .merge()
}
