import type { Knex } from 'knex'
import { type AuditEntry, type AuditEvent, appendEvents } from '../../src/audit/index.ts'
import {
  type Address,
  domainOf,
  newId,
  type OperatorId,
  type PolicyRecordId,
  type RecipientId,
  systemClock,
} from '../../src/kernel/index.ts'

/**
 * What the log would hold of a recipient, had `shortcut.ts` not taken the short way: who enrolled them, by which operators, under
 * which policy, and how their domain is reached.
 */
export async function putOnRecord(owner: Knex, address: Address): Promise<void> {
  const enrolled = await owner('recipients')
    .join('certificates', 'recipient_id', 'recipients.id')
    .where({ address })
    .first<{
      id: RecipientId
      fingerprint: string
      encryption_subkey: string
      algorithm: string
      kind: string
    }>()
  const policy = await owner('policy_records').first<{ id: PolicyRecordId; policy: string; sha256: string }>()
  const {
    id: recipient,
    fingerprint: certificate,
    encryption_subkey: encryptionSubkey,
    algorithm,
    kind,
  } = enrolled
  const [ada, grace] = await operators(owner)
  const [proposal, policyChange, ruleChange, change] = [
    newId('prp', systemClock),
    newId('chg', systemClock),
    newId('chg', systemClock),
    newId('chg', systemClock),
  ]
  const asked = (by: OperatorId, event: AuditEvent): AuditEntry => ({
    actor: { kind: 'operator', id: by },
    event,
  })
  const itself = (event: AuditEvent): AuditEntry => ({ actor: { kind: 'recipient', id: recipient }, event })
  const domain = domainOf(address)
  const rule = { change: ruleChange, kind: 'destination.set', subject: domain }
  const adoption = { change: policyChange, kind: 'policy.adopt', subject: policy.policy }
  const activation = { change, kind: 'recipient.activate', subject: proposal }
  const times = { effectiveAt: '2026-01-01T00:00:00.000Z', expiresAt: '2027-01-01T00:00:00.000Z' }
  const activatesAt = systemClock.now().toISOString()
  const entries: readonly AuditEntry[] = [
    asked(ada, { type: 'change.asked', ...adoption }),
    asked(grace, { type: 'change.approved', ...adoption }),
    asked(grace, {
      ...{ type: 'policy.adopted', record: policy.id, policy: policy.policy, sha256: policy.sha256 },
      ...{ ...times, refused: 0, change: policyChange },
    }),
    asked(ada, { type: 'change.asked', ...rule }),
    asked(grace, { type: 'change.approved', ...rule }),
    asked(grace, { type: 'destination.set', domain, mode: 'pinned', change: ruleChange }),
    asked(ada, { type: 'recipient.invited', recipient, kind, address }),
    itself({
      ...{ type: 'certificate.proposed', recipient, proposal, certificate, encryptionSubkey, algorithm },
      ...{ source: 'upload', certifiedBy: null, format: 'seipdv2', expires: null },
    }),
    itself({ type: 'possession.proved', recipient, proposal }),
    asked(ada, { type: 'change.asked', ...activation }),
    asked(ada, { type: 'fingerprint.verified', recipient, proposal, certificate, means: 'phone' }),
    asked(grace, { type: 'change.approved', ...activation }),
    asked(grace, { type: 'proposal.approved', recipient, proposal, change, activatesAt, policy: policy.id }),
    asked(grace, { type: 'certificate.activated', recipient, certificate, encryptionSubkey, proposal }),
  ]
  await owner.transaction(trx => appendEvents(trx, systemClock, entries))
}

/** Two who are no rows of a table: the log tells of them. */
async function operators(owner: Knex): Promise<readonly [OperatorId, OperatorId]> {
  const both = [newId('opr', systemClock), newId('opr', systemClock)] as const
  const added = (operator: OperatorId, name: string, role: string): AuditEntry => ({
    actor: { kind: 'host' },
    event: { type: 'operator.added', operator, roles: [role], name },
  })
  await owner.transaction(trx =>
    appendEvents(trx, systemClock, [added(both[0], 'ada', 'admin'), added(both[1], 'grace', 'approver')]),
  )
  return both
}
