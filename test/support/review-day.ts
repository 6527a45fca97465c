import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, type AuditEvent, appendEvents } from '../../src/audit/index.ts'
import type {
  ApplicationId,
  ChangeRequestId,
  DeliveryId,
  MessageId,
  OperatorId,
  RecipientId,
} from '../../src/kernel/index.ts'

/** The day that {@link fillReviewDay} tells of, and when its report is made. */
export const reviewDay = '2027-05-03'
export const reportTime = new Date('2027-05-04T06:00:00Z')

const id = (prefix: string, number: number): string => `${prefix}_${String(number).padStart(26, '0')}`
export const billing = id('app', 1) as ApplicationId
const payroll = id('app', 2) as ApplicationId
export const ada = id('opr', 1) as OperatorId
export const bob = id('opr', 2) as OperatorId
export const bank = id('rcp', 1) as RecipientId
export const shop = id('rcp', 2) as RecipientId
const change = id('chg', 1) as ChangeRequestId
const fingerprint = 'ABCD1234'.repeat(5)
const sha256 = createHash('sha256').update('sample').digest('hex')

/**
 * A database with two weeks and a day of a small house: ids, names, times and events are the same each time. Nothing else may be in
 * it. By the owner, past every rule that is not about it.
 */
export async function fillReviewDay(owner: Knex): Promise<void> {
  const made = new Date('2027-01-01T00:00:00Z')
  await owner('applications').insert(
    [
      { id: billing, name: 'billing' },
      { id: payroll, name: 'payroll' },
    ].map(application => ({ ...application, san: application.id, senders: [], created_at: made })),
  )
  await owner('operators').insert([
    { id: ada, name: 'Ada', address: 'ada@payments.test', roles: ['admin'], created_at: made },
    { id: bob, name: 'Bob', address: 'bob@payments.test', roles: ['approver', 'auditor'], created_at: made },
  ])
  await owner('recipients').insert([
    recipient(bank, 'ada@bank.test', '2027-05-20T00:00:00Z'),
    recipient(shop, 'till@shop.test', '2028-01-01T00:00:00Z'),
  ])
  await owner('certificates').insert({
    fingerprint,
    recipient_id: shop,
    bytes: Buffer.alloc(1),
    encryption_subkey: fingerprint,
    algorithm: 'x25519',
    format: 'seipdv2',
    state: 'active',
    accepted_at: made,
    expires_at: new Date('2027-05-10T00:00:00Z'),
  })
  await owner('change_requests').insert({
    id: change,
    kind: 'recipient.activate',
    subject: bank,
    body: '{}',
    state: 'pending',
    asked_by: ada,
    asked_at: new Date('2027-05-03T15:00:00Z'),
    expires_at: new Date('2027-05-10T15:00:00Z'),
  })
  for (let ago = 14; ago > 0; ago--) {
    const noon = new Date(Date.parse(`${reviewDay}T12:00:00Z`) - ago * 86_400_000)
    await append(owner, noon, [...messages(billing, bank, 30), ...messages(payroll, shop, 25)])
  }
  const at = (time: string) => new Date(`${reviewDay}T${time}Z`)
  await append(owner, at('09:00:00'), messages(billing, bank, 130))
  for (const [time, actor, events] of story) {
    await append(
      owner,
      at(time),
      events.map(event => ({ actor, event })),
    )
  }
}

type Story = readonly [string, Actor, readonly AuditEvent[]]
const gateway: Actor = { kind: 'gateway' }
const peer: Actor = { kind: 'peer', address: '203.0.113.7' }
const application: Actor = { kind: 'application', id: billing }
const operator = (who: OperatorId): Actor => ({ kind: 'operator', id: who })
const attempt = (number: number, outcome: string) => ({
  delivery: id('dlv', number) as DeliveryId,
  attempt: 1,
  outcome,
  host: 'mx.bank.test',
  tls: null,
  replyCode: null,
})

const story: readonly Story[] = [
  ['08:00:00', operator(ada), [{ type: 'operator.signed_in', operator: ada }]],
  ['08:30:00', operator(bob), [{ type: 'operator.signed_in', operator: bob }]],
  [
    '09:01:00',
    gateway,
    Array.from(
      { length: 127 },
      (_, i) => ({ type: 'delivery.delivered', ...attempt(i, 'delivered') }) as const,
    ),
  ],
  [
    '09:02:00',
    gateway,
    [
      { type: 'delivery.deferred', ...attempt(200, 'tls_name_mismatch') },
      { type: 'delivery.failed', ...attempt(201, 'gave_up') },
      { type: 'delivery.quarantined', delivery: id('dlv', 202) as DeliveryId, outcome: 'internal_error' },
    ],
  ],
  [
    '10:00:00',
    application,
    Array.from(
      { length: 3 },
      () =>
        ({
          type: 'request.refused',
          code: 'recipients_refused',
          recipients: [],
          unknownRecipients: 1,
        }) as const,
    ),
  ],
  [
    '10:30:00',
    peer,
    [
      { type: 'client.refused', reason: 'certificate_unknown' },
      {
        type: 'client.refused',
        reason: 'certificate_unknown',
        count: 40,
        since: `${reviewDay}T10:29:00.000Z`,
      },
      { type: 'operator.sign_in.refused', code: 'link_invalid' },
    ],
  ],
  ['11:00:00', { kind: 'host' }, [{ type: 'custody.unsealed', fingerprint }]],
  [
    '12:00:00',
    { kind: 'recipient', id: shop },
    [
      {
        type: 'certificate.revoked',
        recipient: shop,
        certificate: fingerprint,
        reason: 'compromised',
        means: 'link',
        stopped: 2,
      },
    ],
  ],
  [
    '13:00:00',
    operator(bob),
    [
      { type: 'audit.read', filters: { type: 'delivery.failed' }, count: 1 },
      {
        type: 'audit.exported',
        as: 'directory',
        size: 900,
        first: 0,
        next: 900,
        filtered: false,
        events: 900,
      },
    ],
  ],
  ['15:00:00', operator(ada), [{ type: 'change.asked', change, kind: 'recipient.activate', subject: bank }]],
  [
    '16:00:00',
    gateway,
    [
      { type: 'alarm.raised', alarm: 'clock_wrong' },
      { type: 'clock.wrong', against: 'database', differenceMs: 3_100 },
      { type: 'alarm.cleared', alarm: 'clock_wrong' },
    ],
  ],
  [
    '17:00:00',
    gateway,
    [{ type: 'attack.suspected', kind: 'starttls_injection', host: 'mx.shop.test', address: '198.51.100.2' }],
  ],
]

function messages(from: ApplicationId, to: RecipientId, count: number) {
  return Array.from({ length: count }, (_, i) => ({
    actor: { kind: 'application', id: from } as const,
    event: {
      type: 'message.accepted',
      message: id('msg', i) as MessageId,
      deliveries: [
        {
          delivery: id('dlv', i) as DeliveryId,
          recipient: to,
          certificate: fingerprint,
          encryptionSubkey: fingerprint,
          ciphertextSha256: sha256,
          ciphertextBytes: 2_000,
        },
      ],
    } as const,
  }))
}

function recipient(recipientId: RecipientId, address: string, attestedUntil: string) {
  return {
    id: recipientId,
    address,
    kind: 'supplier',
    organisation: 'Test',
    state: 'active',
    created_at: new Date('2027-01-01T00:00:00Z'),
    attested_until: new Date(attestedUntil),
  }
}

/** Appends events as if they had happened then. */
export function append(
  owner: Knex,
  at: Date,
  entries: readonly { readonly actor: Actor; readonly event: AuditEvent }[],
): Promise<void> {
  return owner.transaction(trx => appendEvents(trx, { now: () => at }, entries))
}

/** A checkpoint over everything that is there, with a fixed root: nothing here verifies it. */
export async function insertCheckpoint(
  owner: Knex,
  at: Date,
  origin = 'gateway.test/audit-log',
): Promise<number> {
  await owner.raw(`
    INSERT INTO audit_leaves (leaf, seq) SELECT row_number() OVER (ORDER BY xact, seq) - 1 + (SELECT count(*) FROM audit_leaves), seq
      FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_leaves l WHERE l.seq = e.seq)`)
  const { rows } = await owner.raw<{ rows: { size: number }[] }>(
    'SELECT count(*)::int AS size FROM audit_leaves',
  )
  const size = rows[0]?.size ?? 0
  const root = createHash('sha256').update(String(size)).digest()
  const note = `${origin}\n${size}\n${root.toString('base64')}\n\n\u2014 ${origin} ${Buffer.alloc(68, size % 251).toString('base64')}\n`
  await owner.raw(
    `INSERT INTO audit_checkpoints (size, root, note, xact, seq, at)
     SELECT ?, ?, ?, xact, seq, ? FROM audit_events ORDER BY xact DESC, seq DESC LIMIT 1`,
    [size, root, note, at],
  )
  return size
}
