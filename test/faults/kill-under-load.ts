import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { openGround } from '../support/serve.ts'
import { type SunkMail, startSink } from '../support/smtp-sink.ts'
import { byMessageId, messageIdsOf, openDeliveries, prepareLoad } from './load.ts'
import { passTime } from './pass-time.ts'

/** What became of messages whose gateway was killed in the middle of them, when it was started again. */
export interface KilledUnderLoad {
  readonly acknowledged: number
  readonly acknowledgedAtKill: number
  readonly openAtKill: number
  /** Message-IDs that were acknowledged and did not arrive. */
  readonly lost: readonly string[]
  readonly arrived: ReadonlyMap<string, readonly SunkMail[]>
  readonly brokenAtKill: readonly string[]
  readonly broken: readonly string[]
}

export async function killUnderLoad(count: number): Promise<KilledUnderLoad> {
  await using opened = new AsyncDisposableStack()
  const ground = await openGround()
  const sink = opened.adopt(await startSink(ground.mailIdentity), it => it.stop())
  // Before the mail server, which waits for connections to end.
  opened.defer(() => ground.close())
  const { address } = await ground.addRecipient('a@bank.test', sink.port)
  const load = prepareLoad(count, address)
  const gateway = await ground.serve()
  const posting = load.post(gateway.client, 16)
  await eventually('half of the load', () => load.acknowledged.length >= count / 2 && sink.mails.length > 10)
  await gateway.kill()
  await posting
  const acknowledgedAtKill = load.acknowledged.length
  const brokenAtKill = await brokenInvariants(ground.owner)
  const openAtKill = await openDeliveries(ground.owner)

  await passTime(ground.owner)
  const successor = await ground.serve()
  await load.post(successor.client, 16)
  await eventually('recovery', async () => (await openDeliveries(ground.owner)) === 0, 30)
  const arrived = byMessageId(sink.mails)
  return {
    acknowledged: load.acknowledged.length,
    acknowledgedAtKill,
    openAtKill,
    lost: (await messageIdsOf(ground.owner, load.acknowledged)).filter(id => !arrived.has(id)),
    arrived,
    brokenAtKill,
    broken: await brokenInvariants(ground.owner),
  }
}
