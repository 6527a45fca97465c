import type { Knex } from 'knex'
import { openApprovals } from '../access/index.ts'
import type { Config } from '../config/index.ts'
import { ownAddress, ownCertificate } from '../custody/index.ts'
import { destinationChange, stopDeliveries } from '../delivery/index.ts'
import { type Address, type Clock, SealpostError } from '../kernel/index.ts'
import { openDiscovery, openRefresh } from '../keys/index.ts'
import { openFetcher } from '../platform/https/index.ts'
import type { Logger } from '../platform/index.ts'
import { applyAdoption, certificatePolicy, type Policy, policyInForce } from '../policy/index.ts'
import { openEnrolment } from '../recipients/index.ts'
import type { Inspector, SealerPool } from '../sealer/host/index.ts'

interface PeopleDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly config: Config
  readonly publicCa: string | undefined
  /** Undefined on a replica that does not seal. */
  readonly sealer: SealerPool | undefined
  readonly inspector: Inspector
}

/** What operators and recipients can do, each through their own listener, and what happens to them by the clock. */
export function peopleOf({ knex, clock, log, config, publicCa, sealer, inspector }: PeopleDependencies) {
  const { notices: sender, allowedNetworks, discovery: outside } = config
  const stop = stopDeliveries
  const policy = (handle: Knex | Knex.Transaction) => policyOf(handle, clock)
  const enrolling = { knex, clock, inspector, sealer, stop, sender, policy }
  const enrolment = openEnrolment(enrolling)
  const approvals = openApprovals({
    knex,
    clock,
    apply: {
      'recipient.activate': enrolment.applyActivation,
      'recipient.reinstate': enrolment.applyReinstate,
      'recipient.attest': enrolment.applyAttest,
      'policy.adopt': async (trx, change, approver) => {
        await applyAdoption(trx, clock, change, approver)
      },
      'destination.set': destinationChange(clock),
    },
  })

  const fetcher = openFetcher({ ca: publicCa, allowedNetworks })
  const keyserver = config.keyserver === undefined ? undefined : new URL(config.keyserver)
  const discovery = openDiscovery(fetcher, keyserver)
  const refresh = openRefresh({
    ...enrolling,
    fetcher,
    keyserver,
    policy: async handle => {
      const adopted = await policyInForce(handle, clock.now())
      return adopted && certificatePolicy(adopted.policy)
    },
    propose: (recipient, bytes, source) => enrolment.propose({ recipient }, bytes, source),
  })
  return {
    enrolment,
    approvals,
    stop,
    sender,
    organisation: sender.organisation,
    inspect: (...question: Parameters<Inspector['inspect']>) => inspector.inspect(...question),
    own: { address: ownAddress(config.mailHost), certificate: () => ownCertificate(knex) },
    find: outside ? (address: Address) => discovery.find(address) : undefined,
    // What a directory has may become a proposal, and its code has to be sealed.
    upkeep: {
      ...enrolling,
      log,
      refresh: outside && sealer !== undefined ? (key: string) => refresh.refresh(key) : undefined,
    },
  }
}

async function policyOf(handle: Knex | Knex.Transaction, clock: Clock): Promise<Policy> {
  const adopted = await policyInForce(handle, clock.now())
  if (adopted === undefined) throw new SealpostError('sending_not_approved')
  return adopted.policy
}
