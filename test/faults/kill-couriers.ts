import { brokenInvariants } from '../support/invariants.ts'
import { closeGate, eventually, lockTable } from '../support/locks.ts'
import { type Ground, openGround, sender } from '../support/serve.ts'
import { type SunkMail, startSink } from '../support/smtp-sink.ts'
import { openDeliveries } from './load.ts'
import { openTransactions } from './open-transactions.ts'
import { passTime, superviseNow } from './pass-time.ts'

/** What became of four deliveries whose courier was killed, each at another point, when another courier came. */
export interface KilledCouriers {
  readonly claimed: Fate
  readonly begun: Fate
  readonly sent: Fate
  readonly recorded: Fate
  /** Sixteen that were in sessions and eight that waited when their courier was told to stop. */
  readonly handed: Fate
  /** Before the other courier came. */
  readonly before: { readonly attempts: readonly string[]; readonly mails: number }
  readonly broken: readonly string[]
}

interface Fate {
  readonly mails: readonly SunkMail[]
  /** Numbers of the recorded attempts. */
  readonly attempts: readonly number[]
}

export async function killCouriers(): Promise<KilledCouriers> {
  await using opened = new AsyncDisposableStack()
  const ground = await openGround()
  const stalled: string[] = []
  let stalling = true
  const sink = opened.adopt(
    await startSink(ground.mailIdentity, {
      onRcptTo({ address }, _session, done) {
        if (stalling && address.endsWith('@stall.test')) stalled.push(address)
        else done()
      },
    }),
    it => it.stop(),
  )
  // Before the mail server, which waits for connections to end.
  opened.defer(() => ground.close())
  const api = await ground.serve({ roles: 'api' })
  for (const name of ['claimed@bank', 'recorded@bank', 'sent@bank', 'begun@stall', 'handed@stall']) {
    await ground.addRecipient(`${name}.test`, sink.port)
  }
  const accept = async (address: string): Promise<string> => {
    const { body } = await api.client.post({ from: sender, to: [address], subject: 'Refund', text: 'Hello' })
    return (body as { deliveries: { id: string }[] }).deliveries[0]?.id ?? ''
  }
  const { owner, database } = ground

  const claimed = await accept('claimed@bank.test')
  const lock = await lockTable(database.superuser, 'deliveries')
  const first = await ground.serve({ roles: 'courier' })
  await eventually('the claim', async () => (await activeJobs(ground)) === 1)
  await first.kill()
  await lock.open()

  const recorded = await accept('recorded@bank.test')
  const committing = await closeGate(owner, database.superuser, 'attempts', 'commit')
  const second = await ground.serve({ roles: 'courier' })
  await committing.reached()
  await second.kill()
  await committing.open()

  const handed = await Promise.all(Array.from({ length: 24 }, () => accept('handed@stall.test')))
  const stopping = await ground.serve({ roles: 'courier' })
  // All connections that a destination may have are in sessions; the other eight wait.
  await eventually('sessions', () => stalled.length === 16)
  const handing = await closeGate(owner, database.superuser, 'pgboss.job')
  stopping.signal('SIGTERM')
  await handing.reached()
  await stopping.kill()
  await handing.open()

  const begun = await accept('begun@stall.test')
  const sent = await accept('sent@bank.test')
  const recording = await closeGate(owner, database.superuser, 'attempts')
  const third = await ground.serve({ roles: 'courier' })
  await recording.reached()
  await eventually('the stall', () => stalled.includes('begun@stall.test'))
  await third.kill()
  await recording.open()
  await eventually('the transaction is gone', async () => (await openTransactions(owner)) === 0)
  stalling = false
  const before = {
    attempts: await owner('attempts').pluck<string[]>('delivery_id'),
    mails: sink.mails.length,
  }

  await ground.serve({ roles: 'courier' })
  await passTime(owner)
  await superviseNow(database.gateway)
  await eventually('recovery', async () => (await openDeliveries(owner)) === 0, 30)

  const fate = async (address: string, ...deliveries: string[]): Promise<Fate> => ({
    mails: sink.mails.filter(({ to }) => to.includes(address)),
    attempts: await owner('attempts').whereIn('delivery_id', deliveries).orderBy('number').pluck('number'),
  })
  return {
    claimed: await fate('claimed@bank.test', claimed),
    begun: await fate('begun@stall.test', begun),
    sent: await fate('sent@bank.test', sent),
    handed: await fate('handed@stall.test', ...handed),
    recorded: await fate('recorded@bank.test', recorded),
    before: { ...before, attempts: before.attempts.filter(id => id !== recorded) },
    broken: await brokenInvariants(owner),
  }
}

async function activeJobs({ owner }: Ground): Promise<number> {
  const rows: unknown[] = await owner('pgboss.job').where({ state: 'active' }).select('id')
  return rows.length
}
