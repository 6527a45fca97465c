import { X509Certificate } from 'node:crypto'
import type { Knex } from 'knex'
import {
  askForChange,
  type ChangeRequest,
  type ChangeRequestOf,
  type Operator,
  operatorsWith,
  requireRole,
  type StagedChange,
  voidChangeRequests,
} from '../../access/index.ts'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type ChangeRequestId, type Clock, isAddress, SealpostError } from '../../kernel/index.ts'
import { type NoticeSender, queueNotice } from '../../notices/index.ts'
import { cardDataOf } from '../../platform/index.ts'
import { asDestinationRule, type DestinationRule } from '../destination.ts'
import { ruleSha256 } from './digest.ts'
import { type Destination, deleteRule, findRule, lockDomain, writeRule } from './store.ts'
import { pemBlocks } from './words.ts'

export interface DestinationWish {
  readonly domain: string
  /** Null: the domain shall have none any more. */
  readonly rule: DestinationRule | null
}

/** What came of a wish. */
export type DestinationSet =
  | { readonly outcome: 'set'; readonly destination: Destination }
  | { readonly outcome: 'asked'; readonly change: ChangeRequest }

/**
 * An admin's wish. The first rule of a domain, if it is of mode `auto`, holds at once: it lets nobody choose the server.
 * Everything else is asked for, and takes an approver. Throws `role_missing`, `invalid_request`, `not_found` when there is no
 * rule to take away, and `state_conflict` when that rule holds already or another wish for the domain waits.
 */
export async function wishDestination(
  knex: Knex,
  clock: Clock,
  operator: Operator,
  { domain, rule }: DestinationWish,
  sender: NoticeSender,
): Promise<DestinationSet> {
  requireRole(operator, 'admin')
  assertDomain(domain)
  if (rule !== null) assertUsable(rule)
  return knex.transaction(async trx => {
    await lockDomain(trx, domain)
    const current = await findRule(trx, domain)
    if (rule === null && current === undefined) throw new SealpostError('not_found')
    const replaces = current === undefined ? null : ruleSha256(current.rule)
    if (rule !== null && ruleSha256(rule) === replaces) throw new SealpostError('state_conflict')
    if (current === undefined && rule?.mode === 'auto') {
      return { outcome: 'set', destination: await setFirst(trx, clock, actorOf(operator), domain, rule) }
    }
    const body = { rule: rule === null ? null : plain(rule), replaces }
    const change = await askForChange(trx, clock, operator, {
      kind: 'destination.set',
      subject: domain,
      body,
    })
    await tellApprovers(trx, clock, sender, operator, change)
    return { outcome: 'asked', change }
  })
}

/** Every approver but the one who asks gets a notice. */
async function tellApprovers(
  trx: Knex.Transaction,
  clock: Clock,
  sender: NoticeSender,
  by: Operator,
  { kind, expiresAt }: ChangeRequest,
): Promise<void> {
  for (const { id, address } of await operatorsWith(trx, 'approver')) {
    if (id === by.id) continue
    await queueNotice(trx, clock, sender, {
      kind: 'change_waiting',
      to: { operator: id, address },
      fields: { change: kind, askedBy: by.name, about: null, until: expiresAt },
    })
  }
}

/**
 * Gives a domain its first rule, of mode `auto`, from the command line of the host. Throws `invalid_request`, and
 * `second_person_needed` for any other rule and where there is one already: the host is no operator, and asks for nothing.
 */
export async function setFirstDestination(
  knex: Knex,
  clock: Clock,
  { domain, rule }: { readonly domain: string; readonly rule: DestinationRule },
): Promise<Destination> {
  assertDomain(domain)
  if (rule.mode !== 'auto') throw new SealpostError('second_person_needed')
  return knex.transaction(async trx => {
    await lockDomain(trx, domain)
    if ((await findRule(trx, domain)) !== undefined) throw new SealpostError('second_person_needed')
    return setFirst(trx, clock, { kind: 'host' }, domain, rule)
  })
}

/** How an approved wish becomes true. What was asked of a rule that is no longer the one in force is refused: `state_conflict`. */
export function destinationChange(clock: Clock): StagedChange<'destination.set'> {
  return {
    prepare: change => {
      ruleOf(change)
      return Promise.resolve(async (trx, approved, approver) => {
        const { id, subject: domain, body } = approved
        const rule = ruleOf(approved)
        const current = await findRule(trx, domain)
        const replaced = current === undefined ? null : ruleSha256(current.rule)
        if (replaced !== body.replaces) throw new SealpostError('state_conflict')
        if (rule === null) await deleteRule(trx, domain)
        else await writeRule(trx, { domain, rule, updatedAt: clock.now() })
        await appendEvents(trx, clock, [
          {
            actor: actorOf(approver),
            event:
              rule === null
                ? { type: 'destination.removed', domain, change: id }
                : setEvent(domain, rule, id),
          },
        ])
      })
    },
    lock: (trx, { subject }) => lockDomain(trx, subject),
  }
}

/** The domain is locked and has no rule. What was asked before cannot be applied any more. */
async function setFirst(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  domain: string,
  rule: DestinationRule,
): Promise<Destination> {
  await voidChangeRequests(trx, clock, actor, [domain], 'destination_set')
  const destination = { domain, rule, updatedAt: clock.now() }
  await writeRule(trx, destination)
  await appendEvents(trx, clock, [{ actor, event: setEvent(domain, rule) }])
  return destination
}

function setEvent(domain: string, rule: DestinationRule, change?: ChangeRequestId) {
  const approved = change === undefined ? {} : { change }
  return { type: 'destination.set', domain, mode: rule.mode, sha256: ruleSha256(rule), ...approved } as const
}

/** What was stored by another version may be no rule of this one. */
function ruleOf({ body }: ChangeRequestOf<'destination.set'>): DestinationRule | null {
  try {
    return body.rule === null ? null : asDestinationRule(body.rule)
  } catch (cause) {
    throw new SealpostError('state_conflict', { cause })
  }
}

/** As JSON has it: without the fields that are undefined. */
function plain(rule: DestinationRule): ChangeRequestOf<'destination.set'>['body']['rule'] {
  return JSON.parse(JSON.stringify(rule)) as ChangeRequestOf<'destination.set'>['body']['rule']
}

function assertDomain(domain: string): void {
  if (isAddress(`a@${domain}`) && domain === domain.toLowerCase() && cardDataOf(domain) === undefined) return
  throw new SealpostError('invalid_request', { errors: [{ pointer: '/domain', code: 'malformed' }] })
}

/** What could never authenticate anybody is refused before somebody approves it. */
function assertUsable(rule: DestinationRule): void {
  if (rule.mode === 'auto') return
  rule.hosts.forEach(({ name }, index) => {
    // Attempts and events name the server, and no card number may look like one.
    if (cardDataOf(name) === undefined) return
    throw new SealpostError('invalid_request', {
      errors: [{ pointer: `/rule/hosts/${index}/name`, code: 'malformed' }],
    })
  })
  if (rule.mode !== 'pinned' || rule.pins.ca === undefined) return
  for (const block of pemBlocks(rule.pins.ca)) {
    try {
      new X509Certificate(block)
    } catch {
      throw new SealpostError('invalid_request', {
        errors: [{ pointer: '/rule/pins/ca', code: 'not_a_certificate' }],
      })
    }
  }
}

function actorOf({ id }: Operator): Actor {
  return { kind: 'operator', id }
}
