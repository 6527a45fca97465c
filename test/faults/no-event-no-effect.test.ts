import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  addApplication,
  addOperator,
  issueSignInLink,
  revokeApplication,
  revokeOperator,
} from '../../src/access/index.ts'
import { initDkimKey } from '../../src/custody/index.ts'
import { type Address, SealpostError, systemClock } from '../../src/kernel/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'

let house: House
let admin: BrowserClient
let approver: BrowserClient
let leaving: BrowserClient
const known: Record<string, string> = {}

const host = [{ name: 'mx.partner.example', port: 465, tls: 'implicit' }]
const spki = createHash('sha256').update('a key').digest('base64')
const pinned = { mode: 'pinned', hosts: host, pins: { spkiSha256: [spki] } }
const invitation = (address: string) => ({
  address,
  organisation: 'Acquirer',
  kind: 'supplier',
  phone: '+49 30 1234567',
  retentionDays: 30,
})
const soon = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10)
const json = ({ text }: { readonly text: string }) => JSON.parse(text) as Record<string, unknown>

beforeAll(async () => {
  house = await openHouse()
  admin = await house.signedIn('anna', 'admin')
  approver = await house.signedIn('bert', 'approver')
  leaving = await house.signedIn('carl', 'auditor')
  const to = await house.addRecipient('a@bank.test')
  known['address'] = to.address
  const [certificate] = await house.owner('certificates').pluck<string[]>('fingerprint')
  known['fingerprint'] = certificate ?? ''
  const [active] = await house.owner('recipients').pluck<string[]>('id')
  known['active'] = active ?? ''
  known['invited'] = String(
    json(await admin.call('POST', '/v1/recipients', invitation('i@acquirer.example')))['id'],
  )
  for (const decision of ['approve', 'reject', 'withdraw']) {
    const domain = `${decision}.example`
    await admin.call('POST', '/v1/destinations', { domain, rule: { mode: 'auto' } })
    known[decision] = String(
      json(await admin.call('POST', '/v1/destinations', { domain, rule: pinned }))['id'],
    )
  }
  await admin.call('POST', '/v1/destinations', { domain: 'asked.example', rule: { mode: 'auto' } })
  await addApplication(house.owner, systemClock, {
    name: 'old',
    san: 'URI:urn:old',
    senders: ['o@b.test'],
  })
  await addOperator(house.owner, systemClock, {
    name: 'dora',
    address: 'dora@b.test' as Address,
    roles: ['auditor'],
  })
  known['token'] = (await issueSignInLink(house.owner, systemClock, 'dora')).token
})
afterAll(() => house.close())

type Answered = { readonly status: number; readonly code: unknown }
const of = ({ status, text }: { readonly status: number; readonly text: string }): Answered => ({
  status,
  code: /audit_unavailable/.exec(text)?.[0],
})
const call = async (path: string, body?: unknown) => of(await admin.call('POST', path, body))
/** As the command line does it. */
const asHost = (act: () => Promise<unknown>) =>
  act().then(
    () => ({ status: 200, code: undefined }),
    (error: unknown) => ({ status: 503, code: error instanceof SealpostError ? error.code : error }),
  )

const effects: Readonly<Record<string, () => Promise<Answered>>> = {
  'a message': async () => {
    const message = { from: house.sender, to: [known['address']], subject: 's', text: 't' }
    const { status, body } = await house.client.post(message)
    return { status, code: (body as { code?: unknown }).code }
  },
  'an invitation': () => call('/v1/recipients', invitation('new@acquirer.example')),
  'an attestation that is asked for': () =>
    call(`/v1/recipients/${known['active']}/attestations`, {
      attestations: [{ kind: 'aoc', reference: 'AOC 2027', validUntil: '2098-01-01' }],
    }),
  'a suspension': () => call(`/v1/recipients/${known['active']}/suspend`),
  'the end of an enrolment': () => call(`/v1/recipients/${known['invited']}/unenrol`),
  'a first rule of a domain': () =>
    call('/v1/destinations', { domain: 'new.example', rule: { mode: 'auto' } }),
  'another rule that is asked for': () => call('/v1/destinations', { domain: 'asked.example', rule: pinned }),
  'an approval': async () =>
    of(await approver.call('POST', `/v1/change-requests/${known['approve']}/approve`)),
  'a rejection': async () => of(await approver.call('POST', `/v1/change-requests/${known['reject']}/reject`)),
  'a withdrawal': () => call(`/v1/change-requests/${known['withdraw']}/withdraw`),
  'a policy that is asked for': () => call('/v1/policies', { policy: 'strict', effectiveAt: soon }),
  'a revocation': () => call(`/v1/keys/${known['fingerprint']}/revoke`, { reason: 'compromised' }),
  'a sign-in': async () => of(await house.browser('console').submit(`/sign-in/${known['token']}`)),
  'a sign-out': async () => of(await leaving.submit('/sign-out')),
  'an application': () =>
    asHost(() =>
      addApplication(house.owner, systemClock, {
        name: 'new',
        san: 'URI:urn:new',
        senders: ['n@b.test'],
      }),
    ),
  'the end of an application': () => asHost(() => revokeApplication(house.owner, systemClock, 'old')),
  'an operator': () =>
    asHost(() =>
      addOperator(house.owner, systemClock, {
        name: 'eve',
        address: 'eve@b.test' as Address,
        roles: ['admin'],
      }),
    ),
  'a sign-in link': () => asHost(() => issueSignInLink(house.owner, systemClock, 'anna')),
  'a DKIM key': () =>
    asHost(() =>
      initDkimKey(
        house.owner,
        systemClock,
        { domain: 'gateway.test', selector: 's1' },
        'correct horse battery staple',
      ),
    ),
  'the end of an operator': () => asHost(() => revokeOperator(house.owner, systemClock, 'dora')),
}

type State = Readonly<Record<string, string | null>>
let everyTable: string | undefined

/** One query for a digest of each table of ours and of the queue, but for what is no effect: when a session was last seen. */
async function digestOfTables(): Promise<string> {
  const { rows } = await house.owner.raw<{ rows: { name: string }[] }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname = 'public' AND tablename !~ '^audit_(leaves|tiles|checkpoints|anchor|stream|follower|subjects|blocks)'
         OR schemaname = 'pgboss' AND tablename = 'job'`,
  )
  const digests = rows.map(
    ({ name }) =>
      `SELECT '${name}' AS name, md5(string_agg(r, ',' ORDER BY r)) AS digest
         FROM (SELECT (to_jsonb(t) - ARRAY['last_seen_at', 'heartbeat_on', 'keep_until'])::text AS r FROM ${name} t) rows`,
  )
  return `SELECT json_object_agg(name, digest) AS state FROM (${digests.join(' UNION ALL ')}) digests`
}

async function state(): Promise<State> {
  everyTable ??= await digestOfTables()
  const { rows } = await house.owner.raw<{ rows: { state: State }[] }>(everyTable)
  return rows[0]?.state ?? {}
}

const changed = (before: State, after: State) =>
  Object.keys(after).filter(table => after[table] !== before[table])

/**
 * Refused, and which tables it changed all the same. What goes on beside it (a notice that is tried again) may change one meanwhile:
 * then it is done again, and an effect that was left behind would show again, or be answered otherwise.
 */
async function refusedWithout(act: () => Promise<Answered>): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    const before = await state()
    const { status, code } = await act()
    const tables = changed(before, await state())
    if (tables.length === 0 || tries === 3 || status !== 503) return [status, code, tables]
  }
}

test('each effect is undone, and answered with audit_unavailable, when its event cannot be written; it was a real one', async () => {
  await house.owner.raw(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION fail()`)
  const answers: Record<string, unknown> = {}
  for (const [name, act] of Object.entries(effects)) {
    answers[name] = await refusedWithout(act)
  }
  const refused = [503, 'audit_unavailable', []]
  expect(answers).toEqual(Object.fromEntries(Object.keys(effects).map(name => [name, refused])))

  await house.owner.raw('DROP TRIGGER fail ON audit_events; DROP FUNCTION fail')
  await eventually('readiness', async () => (await effects['a message']?.())?.status === 202)
  for (const [name, act] of Object.entries(effects)) {
    const last = await state()
    const { status } = await act()
    expect([name, status < 400, changed(last, await state()).length > 0]).toEqual([name, true, true])
  }
})
