import type { Knex } from 'knex'
import { operatorsWith } from '../../access/index.ts'
import type { CertificateName } from '../../keys/index.ts'
import type { NoticeFields } from '../../notices/index.ts'
import { queueNotice } from '../../notices/index.ts'
import {
  type AdoptedPolicy,
  assess,
  type Inspect,
  type PolicyRefusal,
  policyStanding,
  recordRefusals,
  scheduledPolicies,
} from '../../policy/index.ts'
import { daysUntil, type Reminding } from './remind.ts'
import { type CutOff, countRefusals, cutOffs, first, markReminded, unassessed } from './store.ts'
import type { UpkeepParts } from './upkeep.ts'

const day = 86_400_000
const batch = 200
/** Told at once, however far away. */
const atOnce = 36_500
/** What came since the estate was assessed: a change request lives for 7 days. */
const assessedBefore = 8 * day

/** Policies that are in force or adopted for later. */
async function adoptedPolicies({ knex, clock }: UpkeepParts): Promise<readonly AdoptedPolicy[]> {
  const now = clock.now()
  const standing = await policyStanding(knex, now)
  const later = await scheduledPolicies(knex, now)
  return standing.state === 'in_force' ? [standing, ...later] : later
}

/**
 * Holds certificates that came into use since a policy was assessed against it, one by one; one that cannot be judged is
 * left for the next time. Gives how many the policies refuse.
 */
export async function assessNew(parts: UpkeepParts): Promise<number> {
  const { knex, clock } = parts
  const inspect: Inspect = (...asked) => parts.inspector.inspect(...asked)
  let refused = 0
  let failure: unknown
  for (const { record, policy } of await adoptedPolicies(parts)) {
    const period = {
      from: new Date(Math.max(record.effectiveAt.getTime(), clock.now().getTime())),
      until: record.expiresAt,
    }
    const since = new Date(record.approvedAt.getTime() - assessedBefore)
    for (let after: CertificateName = { fingerprint: '', encryptionSubkey: '' }; ; ) {
      const page = await unassessed(knex, record.id, since, after, batch)
      const judged: (CertificateName & { readonly refused: readonly PolicyRefusal[] })[] = []
      for (const certificate of page) {
        const { fingerprint, encryptionSubkey } = certificate
        try {
          judged.push({
            fingerprint,
            encryptionSubkey,
            ...(await assess(policy, period, one(certificate), inspect)),
          })
        } catch (error) {
          failure = error
        }
      }
      refused += await knex.transaction(async trx => {
        const due = record.effectiveAt
        const marks = judged.map(({ fingerprint, encryptionSubkey }) => ({
          subject: `assessed/${record.id}/${fingerprint}/${encryptionSubkey}`,
          due,
          days: 0,
        }))
        await markReminded(trx, marks, clock.now())
        const found = judged.flatMap(one => one.refused)
        return (await recordRefusals(trx, record.id, found)).length
      })
      const last = page.at(-1)
      if (last === undefined || page.length < batch) break
      after = last
    }
  }
  if (failure !== undefined) throw failure as Error
  return refused
}

/** Tells owners whose certificate a policy cuts off: when it is adopted, at each distance, and on the day. Gives how many. */
export async function tellCutOff(parts: UpkeepParts, rules: Reminding): Promise<number> {
  const { knex, clock, links, tell } = parts
  const distances = [0, ...rules.remindDays, atOnce]
  let told = 0
  let failure: unknown
  for (const { record } of await adoptedPolicies(parts)) {
    for (let after: typeof first | undefined = first; after !== undefined; ) {
      const dues: readonly CutOff[] = await cutOffs(knex, record.id, clock.now(), distances, after, batch)
      after = dues.length < batch ? undefined : dues.at(-1)
      for (const due of dues) {
        try {
          await knex.transaction(async trx => {
            if ((await markReminded(trx, [due], clock.now())).size === 0) return
            const link = links.enrol(due.recipient, rules.invitationDays)
            await link.store(trx)
            await tell.recipient(trx, { id: due.recipient, address: due.address }, 'policy_cut_off', {
              policy: record.policy,
              from: due.due,
              fingerprint: due.fingerprint,
              until: link.expiresAt,
              enrolToken: link.token,
            })
            told++
          })
        } catch (error) {
          failure = error
        }
      }
    }
  }
  if (failure !== undefined) throw failure as Error
  return told
}

/** Tells admins of a policy that was adopted, and of an approval that ends with nothing after it. Gives how many times. */
export async function tellOfPolicies(parts: UpkeepParts, rules: Reminding): Promise<number> {
  const { knex, clock } = parts
  const now = clock.now()
  let told = 0
  const adopted = await adoptedPolicies(parts)
  for (const { record } of adopted) {
    const { policy, effectiveAt: from } = record
    const mark = { subject: `adopted/${record.id}`, due: from, days: 0 }
    told += await once(parts, mark, async trx => ({
      kind: 'policy_scheduled',
      fields: { policy, from, cutOff: await countRefusals(trx, record.id) },
    }))
  }
  const last = adopted.at(-1)?.record
  if (last !== undefined) {
    const { policy, expiresAt } = last
    const days = rules.remindDays.filter(distance => expiresAt.getTime() <= now.getTime() + distance * day)
    if (days.length > 0) {
      const mark = { subject: `ending/${last.id}`, due: expiresAt, days: Math.min(...days) }
      const fields = { policy, expiresAt, days: daysUntil(expiresAt, now) }
      told += await once(parts, mark, () => Promise.resolve({ kind: 'policy_ending', fields }))
    }
  }
  return told

  async function once(
    { sender }: UpkeepParts,
    mark: Parameters<typeof markReminded>[1][number],
    notice: (trx: Knex.Transaction) => Promise<PolicyNotice>,
  ): Promise<number> {
    return knex.transaction(async trx => {
      if ((await markReminded(trx, [mark], now)).size === 0) return 0
      const what = await notice(trx)
      for (const { id: operator, address } of await operatorsWith(trx, 'admin')) {
        await queueNotice(trx, clock, sender, { ...what, to: { operator, address } })
      }
      return 1
    })
  }
}

type PolicyNotice =
  | { readonly kind: 'policy_scheduled'; readonly fields: NoticeFields<'policy_scheduled'> }
  | { readonly kind: 'policy_ending'; readonly fields: NoticeFields<'policy_ending'> }

async function* one<Item>(item: Item): AsyncGenerator<Item> {
  yield await Promise.resolve(item)
}
