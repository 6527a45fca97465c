import type { Knex } from 'knex'
import type { Config } from '../../config/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { inventoryOf } from '../../keys/index.ts'
import { testResolver } from '../../platform/dns/index.ts'
import { type PolicyStanding, policyStanding } from '../../policy/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'
import { findUnroutedDomains } from '../store.ts'

const day = 86_400_000

/** Whether mail could be signed, be allowed, and find its way. */
export function serviceChecks(knex: Knex, config: Config, clock: Clock): readonly Check[] {
  return [
    { name: 'policy', run: async () => judgePolicy(await policyStanding(knex, clock.now()), clock.now()) },
    {
      name: 'signing-key',
      async run() {
        const { signingKey } = await inventoryOf(knex, clock.now())
        return signingKey === null
          ? fail('there is none; the gateway cannot start', 'Run `sealpost custody init`.')
          : ok(`${signingKey.algorithm}, since ${signingKey.createdAt.toISOString().slice(0, 10)}`)
      },
    },
    { name: 'resolver', run: () => resolver(config.resolver) },
    {
      name: 'destinations',
      async run() {
        const domains = await findUnroutedDomains(knex)
        return domains.length === 0
          ? ok('every domain of an enrolled recipient has a rule')
          : warn(
              `no rule for: ${domains.join(', ')}`,
              'Nothing can be sent there. Look with `sealpost destination probe DOMAIN`, then set a rule.',
            )
      },
    },
  ]
}

function judgePolicy(standing: PolicyStanding, now: Date): Verdict {
  const remedy = 'Have a crypto policy adopted by two operators in the console; until then nothing is sent.'
  if (standing.state === 'none') return fail('no crypto policy was ever adopted', remedy)
  const { record } = standing
  if (standing.state !== 'in_force') return fail(`the policy ${record.policy} is ${standing.state}`, remedy)
  const { policy } = standing
  const found = `${policy.id} until ${record.expiresAt.toISOString().slice(0, 10)}, to be reviewed by ${policy.reviewBy}`
  if (new Date(`${policy.reviewBy}T00:00:00Z`) <= now) {
    return warn(
      found,
      'The review is overdue (PCI DSS 12.3.3): look at the algorithms, then adopt a newer version.',
    )
  }
  if (record.expiresAt.getTime() - now.getTime() < 30 * day) {
    return warn(found, 'Adopt it again, or a newer one, before it lapses: then nothing is sent.')
  }
  return ok(found)
}

async function resolver(at: Config['resolver']): Promise<Verdict> {
  if (at === undefined) {
    return warn(
      'no validating resolver is configured: DANE is off',
      'Run one on this host (unbound) and set SEALPOST_DNS_RESOLVER to its address and port.',
    )
  }
  const place = `${at.address}:${at.port}`
  const tested = await testResolver(at)
  if (tested.validates) return ok(`${place} validates`)
  const remedy = 'Turn DNSSEC validation on there. Until then DANE is off.'
  return tested.reason === 'no_answer'
    ? warn(
        `${place} answered too little to tell whether it validates`,
        'See that it runs and can ask the internet.',
      )
    : fail(`${place} does not validate: ${tested.reason}`, remedy)
}
