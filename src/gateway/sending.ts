import type { Knex } from 'knex'
import type { Config, Secrets } from '../config/index.ts'
import {
  openCourier,
  openDkim,
  openNoticeCourier,
  openProbe,
  openRouting,
  type Probe,
  type SendingPolicy,
} from '../delivery/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { listStore, openRevocation } from '../platform/revocation/index.ts'
import { policyInForce } from '../policy/index.ts'
import { admitCiphertext } from '../sealer/host/index.ts'
import type { Ground } from './ground.ts'
import { stopDeadline } from './listeners.ts'

type DkimKeys = Parameters<typeof openDkim>[0]

/** Starts the couriers, on a replica with that role, and opens the probe, which goes the couriers' way without sending. */
export async function openSending(
  opened: AsyncDisposableStack,
  config: Config,
  secrets: Secrets,
  { database: { knex }, queue, fetchSigned, alarms }: Ground,
  { clock, log, dkim }: { readonly clock: Clock; readonly log: Logger; readonly dkim: DkimKeys },
): Promise<Probe> {
  const { mailHost, returnPathDomain } = config
  const { publicCa } = secrets
  const routing = opened.adopt(await openRouting({ knex, clock, log, config, secrets }), used => used.close())
  const policyAt = (at: Date) => sendingPolicy(knex, at)
  const revocation = openRevocation({ store: listStore(knex), fetch: fetchSigned, clock })
  const facing = { clock, mailHost, publicCa, revocation }
  if (config.roles.includes('courier')) {
    const sign = openDkim(dkim, mailHost)
    const { findRoute } = routing
    const whenSound = () => alarms.whenSound()
    const sending = { ...facing, knex, log, findRoute, sign, admit: admitCiphertext, policyAt, whenSound }
    const courier = openCourier({ ...sending, queue, returnPathDomain })
    opened.defer(() => courier.stop(stopDeadline))
    const noticeCourier = openNoticeCourier(sending)
    opened.defer(() => noticeCourier.stop(stopDeadline))
  }
  const records = { knex, policyAt, actor: { kind: 'gateway' } } as const
  return openProbe({ ...facing, records, explain: (domain, rule) => routing.explain(domain, rule) })
}

async function sendingPolicy(knex: Knex, at: Date): Promise<SendingPolicy | undefined> {
  const adopted = await policyInForce(knex, at)
  if (adopted === undefined) return undefined
  const { minVersion: minTls, floor, revocation } = adopted.policy.tls
  return { minTls, floor, revocation }
}
