import { Command } from 'commander'
import { recordEvent } from '../../audit/index.ts'
import { SealpostError, systemClock } from '../../kernel/index.ts'
import { explainReason, grouped } from '../../keys/index.ts'
import {
  type Adoption,
  type AdoptionWish,
  listPolicies,
  listPolicyRecords,
  loadPolicy,
  type PolicyStanding,
  policyStanding,
  proposeAdoption,
} from '../../policy/index.ts'
import { type CertificateReason, installedWeakRsaList, openInspector } from '../../sealer/host/index.ts'
import { inert, print, printJson } from '../output.ts'
import { withOwner } from '../with-owner.ts'

/** `policy list|assess`. Adopting one takes two operators, and so the console. */
export function policyCommand(): Command {
  const policy = new Command('policy').description('which keys are good enough: versions of keys-policy/')
  policy
    .command('list')
    .description('the policies of this installation, and what is in force')
    .option('--json', 'answer as JSON')
    .action(async ({ json }: { json?: true }) => {
      const [standing, records] = await withOwner(
        async knex =>
          [await policyStanding(knex, systemClock.now()), await listPolicyRecords(knex, 20)] as const,
      )
      const policies = listPolicies().map(name => {
        const { id, effectiveFrom, reviewBy } = loadPolicy(name)
        return { policy: name, id, effectiveFrom, reviewBy }
      })
      const weakRsaModuli = installedWeakRsaList().size
      if (json) printJson({ standing: statedAs(standing), policies, records, weakRsaModuli })
      else {
        for (const { policy: name, id, reviewBy } of policies)
          print(`${name.padEnd(20)} ${id}, review by ${reviewBy}`)
        print(inForce(standing))
        print(`known weak RSA keys: ${weakRsaModuli}`)
      }
    })
  policy
    .command('assess')
    .description('whom a policy would cut off, why and from when; changes nothing')
    .argument('<policy>', 'the name of a file of keys-policy/')
    .option('--at <time>', 'when it would take effect, ISO 8601; now', parseTime)
    .option('--json', 'answer as JSON')
    .action(async (name: string, { at, json }: { at?: Date; json?: true }) => {
      const assessment = await assessEstate({ policy: name, ...(at && { effectiveAt: at }) })
      if (json) printJson(assessment)
      else print(describe(assessment))
    })
  return policy
}

async function assessEstate(wish: AdoptionWish): Promise<Adoption> {
  const inspector = openInspector()
  try {
    return await withOwner(async knex => {
      const adoption = await proposeAdoption(
        knex,
        systemClock,
        (...question) => inspector.inspect(...question),
        wish,
      )
      await recordEvent(
        knex,
        systemClock,
        { kind: 'host' },
        { type: 'policy.assessed', policy: wish.policy, refused: adoption.refused.length },
      )
      return adoption
    })
  } finally {
    await inspector.close()
  }
}

function parseTime(text: string): Date {
  const at = new Date(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(at.getTime())) return at
  throw new SealpostError('usage', { detail: '--at wants a time such as 2027-01-31T08:00:00Z' })
}

function statedAs(standing: PolicyStanding) {
  if (standing.state === 'none') return { state: standing.state }
  const { policy, effectiveAt, expiresAt } = standing.record
  return { state: standing.state, policy, effectiveAt, expiresAt }
}

function inForce(standing: PolicyStanding): string {
  switch (standing.state) {
    case 'in_force':
      return `in force: ${inert(standing.record.policy)}, until ${standing.record.expiresAt.toISOString()}`
    case 'none':
      return 'in force: none; nothing is sent'
    case 'lapsed':
      return `in force: none; ${inert(standing.record.policy)} lapsed at ${standing.record.expiresAt.toISOString()}`
    case 'altered':
      return `in force: none; keys-policy/${inert(standing.record.policy)}.json is not the file that was approved`
  }
}

function describe({ policy, effectiveAt, assessed, refused }: Adoption): string {
  const lines = [
    `${policy} from ${effectiveAt}: ${refused.length} of ${assessed} certificates in use are cut off`,
  ]
  for (const { fingerprint, encryptionSubkey, reasons, from } of refused) {
    lines.push('', `  ${grouped(fingerprint)}`)
    if (encryptionSubkey !== undefined) lines.push(`    subkey ${grouped(encryptionSubkey)}`)
    lines.push(`    from ${from}`)
    for (const reason of reasons)
      lines.push(`    ${reason}: ${explainReason(reason as CertificateReason).sentence}`)
  }
  return lines.join('\n')
}
