import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordEvent } from '../audit/index.ts'
import type { ApplicationId, Clock } from '../kernel/index.ts'
import { policyInForce } from '../policy/index.ts'
import { type Evidence, evidenceOf } from './evidence.ts'

/** Gives the evidence of a message to somebody, under the policy in force. */
export interface Issued extends Evidence {
  /** A name for the file. */
  readonly name: string
}

/**
 * Makes the evidence of a message and records who gets it, before they do. `application`: whose message it must be. Throws as
 * {@link evidenceOf}.
 */
export async function issueEvidence(
  { knex, clock }: { readonly knex: Knex; readonly clock: Clock },
  actor: Actor,
  id: string,
  application?: ApplicationId,
): Promise<Issued> {
  const anchors = (await policyInForce(knex, clock.now()))?.policy.evidence.anchors ?? 0
  const wish = { anchors, ...(application === undefined ? {} : { application }) }
  const { message, size, text } = await evidenceOf(knex, id, wish)
  const sha256 = createHash('sha256').update(text).digest('hex')
  await recordEvent(knex, clock, actor, { type: 'evidence.issued', message, size, sha256 })
  // A crash here leaves an event of a file that nobody has.
  return { message, size, text, name: `evidence-${message}.json` }
}
