import { askForChange, type ChangeRequest, type Operator, requireRole } from '../../access/index.ts'
import { recordEvent } from '../../audit/index.ts'
import {
  cancelDelivery,
  type DestinationProbe,
  type DestinationRule,
  releaseDelivery,
} from '../../delivery/index.ts'
import { type DeliveryId, SealpostError, type WebhookId } from '../../kernel/index.ts'
import { type Revocation, type RevocationReason, revokeCertificate } from '../../keys/index.ts'
import { type Adoption, type AdoptionWish, type Assessment, proposeAdoption } from '../../policy/index.ts'
import { testWebhook } from '../../webhooks/index.ts'
import type { ConsoleContext } from './dependencies.ts'

/** Revokes a certificate at once; no second person is needed to stop something. Throws `role_missing`, `not_found`. */
export async function revokeKey(
  { knex, clock, stop, sender }: ConsoleContext,
  operator: Operator,
  fingerprint: string,
  reason: RevocationReason,
): Promise<Revocation> {
  requireRole(operator, 'admin')
  const actor = { kind: 'operator', id: operator.id } as const
  const order = { actor, means: 'operator', reason, fingerprint, stop, sender } as const
  const revocation = await knex.transaction(trx => revokeCertificate(trx, clock, order))
  if (revocation.outcome === 'unknown_certificate') throw new SealpostError('not_found')
  return revocation
}

/** Whom a policy would cut off, and nothing else. Throws `role_missing`, and what `proposeAdoption` throws. */
export async function assessPolicy(
  { knex, clock, inspect }: ConsoleContext,
  operator: Operator,
  wish: AdoptionWish,
): Promise<
  Omit<Assessment, 'refused'> & {
    refused: Adoption['refused']
  }
> {
  requireRole(operator, 'admin', 'approver', 'auditor')
  const { policy, assessed, refused } = await proposeAdoption(knex, clock, inspect, wish)
  const event = { type: 'policy.assessed', policy, refused: refused.length } as const
  await recordEvent(knex, clock, { kind: 'operator', id: operator.id }, event)
  return { assessed, refused }
}

/** Asks that a policy be adopted, with whom it cuts off, for another operator to approve. Throws as above, `state_conflict`. */
export async function askAdoption(
  { knex, clock, inspect }: ConsoleContext,
  operator: Operator,
  wish: AdoptionWish,
): Promise<ChangeRequest> {
  requireRole(operator, 'admin')
  const body = await proposeAdoption(knex, clock, inspect, wish)
  return knex.transaction(trx =>
    askForChange(trx, clock, operator, { kind: 'policy.adopt', subject: wish.policy, body }),
  )
}

/** Releases a delivery from quarantine, or ends it. Throws `role_missing`, `not_found`, `state_conflict`. */
export async function decideOnDelivery(
  { knex, clock, queue }: ConsoleContext,
  operator: Operator,
  decision: 'release' | 'cancel',
  delivery: DeliveryId,
): Promise<{ id: DeliveryId; state: 'queued' | 'failed' }> {
  requireRole(operator, 'admin')
  if (decision === 'release') await releaseDelivery(knex, clock, queue, operator.id, delivery)
  else await cancelDelivery(knex, clock, operator.id, delivery)
  return { id: delivery, state: decision === 'release' ? 'queued' : 'failed' }
}

/**
 * Walks the way into a domain without sending, by a `given` rule or the one in force. Whoever asks for rules or approves
 * them may. Throws `role_missing`, `too_many_requests`.
 */
export async function probeDomain(
  { knex, clock, probe, probes }: ConsoleContext,
  operator: Operator,
  domain: string,
  given: DestinationRule | undefined,
): Promise<DestinationProbe> {
  requireRole(operator, 'admin', 'approver')
  probes.take(operator.id)
  const probed = await probe(domain, given)
  const { ok, outcome } = probed.verdict
  const event = { type: 'destination.probed', domain, ok, outcome } as const
  await recordEvent(knex, clock, { kind: 'operator', id: operator.id }, event)
  return probed
}

/** Has a webhook called once, soon, to see whether it answers. Throws `role_missing`, `too_many_requests`, `not_found`. */
export async function tryWebhook(
  { knex, clock, probes }: ConsoleContext,
  operator: Operator,
  webhook: WebhookId,
): Promise<void> {
  requireRole(operator, 'admin')
  probes.take(operator.id)
  await testWebhook(knex, clock, { kind: 'operator', id: operator.id }, webhook)
}
