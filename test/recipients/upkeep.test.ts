import type { Knex } from 'knex'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stopDeliveries } from '../../src/delivery/index.ts'
import { type Clock, newId, type OperatorId, type RecipientId, systemClock } from '../../src/kernel/index.ts'
import type { RefreshOutcome } from '../../src/keys/index.ts'
import { loadPolicy, readPolicyFile } from '../../src/policy/index.ts'
import { openUpkeep, runRefresh, runUpkeep, type UpkeepDependencies } from '../../src/recipients/index.ts'
import type { CertificateVerdict } from '../../src/sealer/host/index.ts'
import { eventually } from '../support/locks.ts'
import { insertOperator, noticeSender } from '../support/notices.ts'
import { openPost, type Post } from '../support/post.ts'
import { insertApproved, insertProposal, someFingerprint } from '../support/proposals.ts'
import { approvePolicy } from '../support/shortcut.ts'

const day = 86_400_000
const start = Date.parse('2027-03-01T12:00:00Z')
const inDays = (days: number): Date => new Date(start + days * day)

let post: Post
let now: Date
let admin: OperatorId
const clock: Clock = { now: () => now }
let inspect: () => Promise<CertificateVerdict>

beforeAll(async () => {
  post = await openPost()
})
beforeEach(async () => {
  await post.owner.raw(`TRUNCATE operators, recipients, certificates, reminders, notices, policy_records, messages,
    deliveries CASCADE`)
  await post.owner.raw(`TRUNCATE pgboss.job_common`)
  now = inDays(0)
  inspect = () => Promise.reject(new Error('not asked'))
  await approvePolicy(post.owner)
  admin = await insertOperator(post)
  // What the policy has to say of itself.
  await runUpkeep(dependencies())
  await told()
})
afterAll(() => post.close())

const dependencies = (): UpkeepDependencies => ({
  knex: post.gateway,
  clock,
  log: post.log,
  inspector: {
    inspect: () => inspect(),
    revokes: () => Promise.resolve(false),
  } as unknown as UpkeepDependencies['inspector'],
  sealer: undefined,
  stop: stopDeliveries,
  sender: noticeSender,
  policy: () => Promise.resolve(loadPolicy('standard')),
  refresh: undefined,
})
/** Two replicas at once. */
const upkeep = (): Promise<unknown> => Promise.all([runUpkeep(dependencies()), runUpkeep(dependencies())])

interface Enrolled {
  readonly recipient: RecipientId
  readonly fingerprint: string
}
let count = 0
async function enrol(
  owner: Knex,
  {
    expires = null,
    attestedUntil = inDays(9999),
    kind = 'supplier',
    address = `u${++count}@bank.test`,
  }: { expires?: Date | null; attestedUntil?: Date; kind?: string; address?: string } = {},
): Promise<Enrolled> {
  const recipient = newId('rcp', systemClock)
  const fingerprint = someFingerprint()
  await owner('recipients').insert({
    id: recipient,
    address,
    kind,
    organisation: 'Bank',
    state: 'active',
    created_at: inDays(-1),
    attested_until: attestedUntil,
  })
  await owner('certificates').insert({
    fingerprint,
    recipient_id: recipient,
    bytes: Buffer.from(fingerprint),
    encryption_subkey: fingerprint,
    algorithm: 'rsa4096',
    format: 'seipdv1',
    state: 'active',
    accepted_at: inDays(-100),
    refreshed_at: inDays(9999),
    expires_at: expires,
  })
  return { recipient, fingerprint }
}
const attest = (recipient: RecipientId, kind: string, validUntil: Date): Promise<unknown> =>
  post.owner('attestations').insert({
    id: newId('att', systemClock),
    recipient_id: recipient,
    kind,
    reference: 'document 7',
    valid_until: validUntil,
    recorded_at: inDays(-1),
  })

interface Told {
  readonly kind: string
  readonly recipient: string | null
  readonly operator: string | null
  readonly values: Record<string, unknown>
}
/** What was queued since the last time, first to recipients, then by kind; and takes it away. */
async function told(): Promise<Told[]> {
  const rows = await post.owner('notices').orderByRaw('operator_id NULLS FIRST, kind, id').select<
    {
      kind: string
      recipient_id: string | null
      operator_id: string | null
      fields: { values: Told['values'] }
    }[]
  >('kind', 'recipient_id', 'operator_id', 'fields')
  await post.owner('notices').delete()
  return rows.map(row => ({
    kind: row.kind,
    recipient: row.recipient_id,
    operator: row.operator_id,
    values: row.fields.values,
  }))
}
const eventsOf = async (type: string): Promise<Record<string, unknown>[]> => {
  const bodies = await post.owner('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Record<string, unknown>)
}
const failing = async (type: string, act: () => Promise<void>): Promise<void> => {
  await post.owner.raw(`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.type = '${type}' THEN RAISE EXCEPTION 'broken by the test'; END IF; RETURN NEW; END $$`)
  await post.owner.raw(
    'CREATE TRIGGER broken BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break()',
  )
  try {
    await act()
  } finally {
    await post.owner.raw('DROP TRIGGER broken ON audit_events')
    await post.owner.raw('DROP FUNCTION break()')
  }
}

describe('a certificate that ends', () => {
  test('is spoken of once each at 90, 30, 7 and 1 days, by two replicas that come at once', async () => {
    const { recipient, fingerprint } = await enrol(post.owner, { expires: inDays(100) })
    await enrol(post.owner, { expires: inDays(500) })
    await enrol(post.owner)
    const spoken: [number, Told[]][] = []
    for (const passed of [0, 9.9, 10, 11, 69, 70, 71, 92, 93, 95, 98.9, 99, 99.5, 100, 101]) {
      now = inDays(passed)
      await upkeep()
      const notices = await told()
      if (notices.length > 0) spoken.push([100 - passed, notices])
    }
    expect(spoken.map(([left]) => left)).toEqual([90, 30, 7, 1])
    for (const [days, notices] of spoken) {
      expect(notices).toMatchObject([
        {
          kind: 'expiring',
          recipient,
          values: { fingerprint, days, expiresAt: inDays(100).toISOString() },
        },
        { kind: 'ending_soon', operator: admin, values: { more: 0, list: [{ thing: 'certificate', days }] } },
      ])
    }
    const [first] = spoken
    const { enrolToken, stopToken } = first?.[1][0]?.values as { enrolToken: string; stopToken: string }
    expect(enrolToken).not.toBe(stopToken)
    const purposes = await post
      .owner('recipient_links')
      .where({ recipient_id: recipient })
      .pluck<string[]>('purpose')
    expect(purposes).toContain('enrol')
    expect(purposes).toContain('revoke')
  })

  test('is spoken of once when nobody was there at the earlier distances', async () => {
    await enrol(post.owner, { expires: inDays(5) })
    await upkeep()
    expect((await told()).map(({ kind, values }) => [kind, values['days']])).toEqual([
      ['expiring', 5],
      ['ending_soon', undefined],
    ])
    now = inDays(1)
    await upkeep()
    expect(await told()).toEqual([])
  })

  test('and was extended is spoken of again at its new end', async () => {
    const { fingerprint } = await enrol(post.owner, { expires: inDays(7) })
    await upkeep()
    await told()
    await post
      .owner('certificates')
      .where({ fingerprint })
      .update({ expires_at: inDays(30) })
    await upkeep()
    expect((await told()).map(({ values }) => values['days'])).toEqual([30, undefined])
  })

  test('of somebody who was unenrolled, or that is retired, is not spoken of', async () => {
    const gone = await enrol(post.owner, { expires: inDays(5) })
    const retired = await enrol(post.owner, { expires: inDays(5) })
    await post.owner('recipients').where({ id: gone.recipient }).update({ state: 'unenrolled' })
    await post.owner('certificates').where({ fingerprint: retired.fingerprint }).update({ state: 'retired' })
    await upkeep()
    expect(await told()).toEqual([])
  })

  test('is one of many: the admins get lists, and nobody is left out', async () => {
    for (let i = 0; i < 230; i++) await enrol(post.owner, { expires: inDays(5) })
    // Finer than our clocks: what was read back is not what is there.
    await post.owner.raw(`UPDATE certificates SET expires_at = expires_at + interval '7 microseconds'`)
    await upkeep()
    await upkeep()
    const notices = await told()
    expect(new Set(notices.flatMap(({ recipient }) => recipient ?? [])).size).toBe(230)
    expect(notices.filter(({ kind }) => kind === 'expiring')).toHaveLength(230)
    const lists = notices.filter(({ kind }) => kind === 'ending_soon')
    const named = lists.map(({ values }) => (values['list'] as unknown[]).length + (values['more'] as number))
    expect(named.reduce((sum, number) => sum + number, 0)).toBe(230)
    expect(lists.length).toBeLessThanOrEqual(4)
  })

  test('whose owner cannot be told holds up nobody else, and is tried again', async () => {
    const odd = await enrol(post.owner, { expires: inDays(5), address: 'a@bank.test\r\nBcc: eve@evil.test' })
    const sound = [
      await enrol(post.owner, { expires: inDays(5) }),
      await enrol(post.owner, { expires: inDays(6) }),
    ]
    expect(await runUpkeep(dependencies())).toMatchObject({
      remindOfCertificates: 'failed',
      expireChanges: 0,
    })
    const notices = await told()
    expect(notices.flatMap(({ recipient }) => recipient ?? []).toSorted()).toEqual(
      sound.map(({ recipient }) => recipient).toSorted(),
    )
    expect(JSON.stringify(notices)).not.toContain('evil')
    const reminded = await post.owner('reminders').pluck<string[]>('subject')
    expect(reminded).not.toContain(odd.fingerprint)
  })

  test('is not written down as spoken of when the notice could not be queued', async () => {
    await enrol(post.owner, { expires: inDays(5) })
    await failing('notice.queued', async () => {
      expect(await runUpkeep(dependencies())).toMatchObject({ remindOfCertificates: 'failed' })
    })
    expect(await told()).toEqual([])
    expect(await post.owner('reminders').whereNot({ days: 0 })).toEqual([])
    await upkeep()
    expect(await told()).toHaveLength(2)
  })
})

describe('attestations', () => {
  test('are spoken of by name once at each distance; when they are over, the recipient is suspended', async () => {
    const { recipient } = await enrol(post.owner, { attestedUntil: inDays(30) })
    await attest(recipient, 'contract', inDays(400))
    await attest(recipient, 'retention', inDays(30.5))
    await attest(recipient, 'aoc', inDays(-5))
    await attest(recipient, 'aoc', inDays(30))
    await upkeep()
    expect((await told()).map(({ kind, values }) => [kind, values['attestation'], values['days']])).toEqual([
      ['attestation_expiring', 'aoc', 30],
      ['ending_soon', undefined, undefined],
    ])
    now = inDays(29)
    await upkeep()
    expect((await told()).map(({ values }) => [values['attestation'], values['days']])).toEqual([
      ['aoc', 1],
      [undefined, undefined],
    ])
    now = inDays(29.9)
    await upkeep()
    expect(await told()).toEqual([])

    now = inDays(30)
    await upkeep()
    expect(await told()).toMatchObject([
      { kind: 'suspended', recipient, values: { reason: 'attestation_lapsed' } },
      { kind: 'recipient_report', operator: admin, values: { report: 'recipient_suspended' } },
    ])
    const row: unknown = await post.owner('recipients').where({ id: recipient }).first()
    expect(row).toMatchObject({ state: 'suspended', suspended_for: 'attestation_lapsed' })
    const events = (await eventsOf('recipient.suspended')).filter(event => event['recipient'] === recipient)
    expect(events).toHaveLength(1)
    now = inDays(31)
    await upkeep()
    expect(await told()).toEqual([])
  })

  test('that lapse stop what waits', async () => {
    const waiting = await post.acceptOne('lapse@bank.test')
    await post
      .owner('recipients')
      .where({ id: waiting.recipient })
      .update({ attested_until: inDays(0) })
    await upkeep()
    expect(await post.status(waiting.message)).toMatchObject({
      state: 'failed',
      outcome: 'recipient_not_active',
    })
  })

  test('of one who cannot be suspended hold up nobody else', async () => {
    const odd = await enrol(post.owner, { attestedUntil: inDays(-1), address: 'a@bank.test\nx' })
    const other = await enrol(post.owner, { attestedUntil: inDays(-1) })
    expect(await runUpkeep(dependencies())).toMatchObject({ suspendLapsed: 'failed' })
    const states = await post.owner('recipients').pluck<string[]>('state').whereIn('id', [odd.recipient])
    expect(states).toEqual(['active'])
    expect(await post.owner('recipients').where({ id: other.recipient }).first()).toMatchObject({
      state: 'suspended',
    })
  })
})

describe('proposals', () => {
  const invited = async (): Promise<RecipientId> => {
    const id = newId('rcp', systemClock)
    await post.owner('recipients').insert({
      id,
      address: `i${++count}@bank.test`,
      kind: 'customer',
      organisation: 'Bank',
      state: 'invited',
      created_at: inDays(-1),
    })
    return id
  }

  test('that were approved are activated when the cooling-off is over, once', async () => {
    const recipient = await invited()
    const verdict = { verdict: 'accept', reasons: [], expires: null, expiresFor: null }
    inspect = () => Promise.resolve(verdict as unknown as CertificateVerdict)
    const proposal = await insertApproved(post.owner, recipient)
    const activatesAt = { activates_at: inDays(1) }
    await post.owner('proposals').where({ id: proposal.id }).update(activatesAt)
    now = inDays(0.99)
    await upkeep()
    expect(await post.owner('certificates').where({ recipient_id: recipient })).toEqual([])
    now = inDays(1)
    await upkeep()
    expect(await post.owner('certificates').where({ recipient_id: recipient })).toMatchObject([
      { fingerprint: proposal.fingerprint, state: 'active' },
    ])
    expect(await post.owner('recipients').where({ id: recipient }).first()).toMatchObject({ state: 'active' })
    const events = await eventsOf('certificate.activated')
    expect(events.filter(event => event['proposal'] === proposal.id)).toHaveLength(1)
    expect((await told()).filter(({ kind }) => kind === 'activated')).toHaveLength(1)
  })

  test('whose code ran out unused are dropped; one that was proved stays', async () => {
    const [unproved, proved, ended] = [
      await insertProposal(post.owner, await invited()),
      await insertProposal(post.owner, await invited()),
      await insertProposal(post.owner, await invited()),
    ]
    const code = { nonce_expires_at: inDays(3) }
    await post.owner('proposals').whereIn('id', [unproved.id, proved.id, ended.id]).update(code)
    await post
      .owner('proposals')
      .where({ id: proved.id })
      .update({ state: 'proved', proved_at: inDays(0) })
    await post
      .owner('proposals')
      .where({ id: ended.id })
      .update({ state: 'proved', proved_at: inDays(0), expires_at: inDays(2) })
    now = inDays(3)
    await upkeep()
    const states = async (id: string): Promise<unknown> =>
      post.owner('proposals').where({ id }).first('state')
    expect(await states(unproved.id)).toEqual({ state: 'dropped' })
    expect(await states(ended.id)).toEqual({ state: 'dropped' })
    expect(await states(proved.id)).toEqual({ state: 'proved' })
    const dropped = (await eventsOf('proposal.dropped')).filter(event => event['proposal'] === unproved.id)
    expect(dropped).toMatchObject([{ reason: 'expired' }])
  })

  test('change requests that nobody decided expire, and old links are forgotten', async () => {
    const recipient = await invited()
    const id = newId('chg', systemClock)
    await post.owner('change_requests').insert({
      id,
      kind: 'recipient.reinstate',
      subject: recipient,
      body: '{}',
      state: 'pending',
      asked_by: admin,
      asked_at: inDays(0),
      expires_at: inDays(7),
    })
    const link = { purpose: 'enrol', recipient_id: recipient, created_at: inDays(0) }
    await post.owner('recipient_links').insert([
      { ...link, token_sha256: Buffer.alloc(32, 1), expires_at: inDays(7) },
      { ...link, token_sha256: Buffer.alloc(32, 2), expires_at: inDays(8) },
    ])
    now = inDays(7)
    await upkeep()
    expect(await post.owner('change_requests').where({ id }).first()).toMatchObject({ state: 'expired' })
    expect(await post.owner('recipient_links').where({ recipient_id: recipient })).toMatchObject([
      { expires_at: inDays(8) },
    ])
    expect((await eventsOf('change.expired')).filter(event => event['change'] === id)).toHaveLength(1)
  })
})

describe('a policy', () => {
  const schedule = async (at: Date, until = inDays(9999)): Promise<string> => {
    const id = newId('pol', systemClock)
    await post.owner('policy_records').insert({
      id,
      policy: 'standard',
      sha256: readPolicyFile('standard').sha256,
      effective_at: at,
      expires_at: until,
      approved_at: now,
    })
    return id
  }
  test('that was adopted for later is told to whom it cuts off, at once, before its day and on it', async () => {
    const { recipient, fingerprint } = await enrol(post.owner)
    const replaced = await enrol(post.owner)
    const record = await schedule(inDays(120))
    const refusal = { record_id: record, reasons: ['rsa_too_small'], from_at: inDays(120) }
    await post.owner('policy_refusals').insert([
      { ...refusal, fingerprint, encryption_subkey: fingerprint },
      { ...refusal, fingerprint: replaced.fingerprint, encryption_subkey: replaced.fingerprint },
    ])
    await post.owner('certificates').where({ fingerprint: replaced.fingerprint }).update({ state: 'retired' })
    const spoken: [number, Told[]][] = []
    for (const passed of [0, 1, 29, 30, 31, 90, 113, 119, 120, 121]) {
      now = inDays(passed)
      await upkeep()
      const notices = await told()
      if (notices.length > 0) spoken.push([passed, notices])
    }
    expect(spoken.map(([passed]) => passed)).toEqual([0, 30, 90, 113, 119, 120])
    expect(spoken[0]?.[1]).toMatchObject([
      {
        kind: 'policy_cut_off',
        recipient,
        values: { fingerprint, policy: 'standard', from: inDays(120).toISOString() },
      },
      { kind: 'policy_scheduled', operator: admin, values: { cutOff: 1 } },
    ])
    for (const [, notices] of spoken.slice(1)) {
      expect(notices).toMatchObject([{ kind: 'policy_cut_off', recipient }])
    }
  })

  test('whose approval ends is told to the admins, unless another follows', async () => {
    await post.owner('policy_records').delete()
    await schedule(inDays(-1), inDays(40))
    await upkeep()
    await told()
    now = inDays(10)
    await upkeep()
    expect(await told()).toMatchObject([{ kind: 'policy_ending', operator: admin, values: { days: 30 } }])
    await schedule(inDays(40))
    now = inDays(33)
    await upkeep()
    expect((await told()).map(({ kind }) => kind)).toEqual(['policy_scheduled'])
  })

  test('is held against what came into use since it was assessed, once; what cannot be judged now, later', async () => {
    const { fingerprint, recipient } = await enrol(post.owner)
    const other = await enrol(post.owner)
    await post.owner('policy_records').delete()
    await schedule(inDays(60))
    for (const id of [fingerprint, other.fingerprint]) {
      await post
        .owner('certificates')
        .where({ fingerprint: id })
        .update({ accepted_at: inDays(-1) })
    }
    const asked: string[] = []
    const verdict = { verdict: 'reject', reasons: ['rsa_too_small'], expires: null, expiresFor: null }
    const deps: UpkeepDependencies = {
      ...dependencies(),
      inspector: {
        revokes: () => Promise.resolve(false),
        inspect: (bytes: Uint8Array) => {
          asked.push(Buffer.from(bytes).toString())
          return asked.length === 1 ? Promise.reject(new Error('killed')) : Promise.resolve(verdict)
        },
      } as unknown as UpkeepDependencies['inspector'],
    }
    expect(await runUpkeep(deps)).toMatchObject({ assessNew: 'failed' })
    expect(asked.toSorted()).toEqual([fingerprint, other.fingerprint].toSorted())
    expect(await post.owner('policy_refusals')).toHaveLength(1)
    expect(await runUpkeep(deps)).toMatchObject({ assessNew: 1, tellCutOff: 1 })
    expect(await runUpkeep(deps)).toMatchObject({ assessNew: 0, tellCutOff: 0 })
    expect(asked).toHaveLength(3)
    const cutOff = (await told()).filter(({ kind }) => kind === 'policy_cut_off')
    expect(cutOff.flatMap(one => one.recipient ?? []).toSorted()).toEqual(
      [recipient, other.recipient].toSorted(),
    )

    // A new subkey under a key that was judged is judged, and its owner told, like another key.
    const retired = { state: 'retired', retired_at: now, finish_until: inDays(9) }
    await post.owner('certificates').where({ fingerprint }).update(retired)
    await post.owner('certificates').insert({
      fingerprint,
      recipient_id: recipient,
      bytes: Buffer.from('newer'),
      encryption_subkey: someFingerprint(),
      algorithm: 'rsa4096',
      format: 'seipdv1',
      state: 'active',
      accepted_at: inDays(-1),
      refreshed_at: inDays(9999),
    })
    expect(await runUpkeep(deps)).toMatchObject({ assessNew: 1, tellCutOff: 1 })
    expect(asked.slice(3)).toEqual(['newer'])
    expect(await runUpkeep(deps)).toMatchObject({ assessNew: 0, tellCutOff: 0 })
  })

  test('when none is in force, people are still reminded', async () => {
    await post.owner('policy_records').delete()
    await enrol(post.owner, { expires: inDays(5) })
    await upkeep()
    expect((await told()).map(({ kind }) => kind)).toEqual(['expiring', 'ending_soon'])
  })
})

describe('newer copies', () => {
  const stale = async (): Promise<string> => {
    const { fingerprint } = await enrol(post.owner, { expires: inDays(300) })
    await post.owner('certificates').where({ fingerprint }).update({ refreshed_at: null })
    return fingerprint
  }

  test('are looked for once a day, by one of two replicas; a certificate that fails stops no other', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, stale))
    const asked: string[] = []
    const refresh = (fingerprint: string): Promise<RefreshOutcome> => {
      asked.push(fingerprint)
      return fingerprint === all[3] ? Promise.reject(new Error('no such host')) : Promise.resolve('unchanged')
    }
    const both = (): Promise<unknown> =>
      Promise.all([runRefresh({ ...dependencies(), refresh }), runRefresh({ ...dependencies(), refresh })])
    await both()
    expect(asked.toSorted()).toEqual(all.toSorted())
    now = inDays(0.9)
    await both()
    expect(asked).toHaveLength(20)
    now = inDays(1)
    await both()
    expect(asked).toHaveLength(40)
    expect(post.logged()).toContain('refresh-failed')
    expect(post.logged()).not.toContain('no such host')
  })

  test('that move the end are told to the owner and the admins', async () => {
    const fingerprint = await stale()
    await runRefresh({ ...dependencies(), refresh: () => Promise.resolve('renewed') })
    expect(await told()).toMatchObject([
      { kind: 'certificate_extended', values: { fingerprint, expiresAt: inDays(300).toISOString() } },
      { kind: 'recipient_report', operator: admin, values: { report: 'certificate_extended', fingerprint } },
    ])
  })
})

describe('the timer', () => {
  test('does it again and again until it is stopped, also after a failure', async () => {
    let refreshed = 0
    await enrol(post.owner, { expires: inDays(5) })
    const running = openUpkeep(
      {
        ...dependencies(),
        refresh: () => {
          refreshed++
          return Promise.resolve('unchanged')
        },
      },
      { upkeep: 20, refresh: 20 },
    )
    await eventually('told', async () => (await post.owner('notices')).length === 2)
    const { fingerprint } = await enrol(post.owner, { expires: inDays(5) })
    await post.owner('certificates').where({ fingerprint }).update({ refreshed_at: null })
    await eventually('told again', async () => (await post.owner('notices')).length === 4)
    await eventually('refreshed', () => refreshed > 0)
    await running.stop(5000)
    await enrol(post.owner, { expires: inDays(5) })
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(await post.owner('notices')).toHaveLength(4)
  })
})
