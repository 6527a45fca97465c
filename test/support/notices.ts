import { randomBytes } from 'node:crypto'
import { type NoticePolicy, openNoticeCourier, type SendingPolicy } from '../../src/delivery/index.ts'
import { standardNoticePolicy } from '../../src/delivery/notice/courier.ts'
import {
  type Address,
  type Ciphertext,
  type NoticeId,
  newId,
  type OperatorId,
  type RecipientId,
  systemClock,
} from '../../src/kernel/index.ts'
import { type Notice, type NoticeSender, queueNotice } from '../../src/notices/index.ts'
import { loopbackRoutes } from './dns.ts'
import { hasty, type Post } from './post.ts'

export const noticeSender: NoticeSender = {
  from: 'notices@mail.acme.test' as Address,
  mailHost: 'mail.acme.test',
  publicUrl: 'https://mail.acme.test:8445',
  organisation: 'Acme Payments',
}

export const token = (): string => randomBytes(24).toString('base64url')
const fingerprint = 'ABCD1234'.repeat(5)
const at = new Date('2027-05-03T14:05:00Z')

type Of<Kind extends Notice['kind']> = Extract<Notice, { kind: Kind }>['fields']

/** Fields for every kind; whoever adds a kind adds one here. */
export const examples: { readonly [Kind in Notice['kind']]: Of<Kind> } = {
  invitation: { organisation: 'Bank', until: at, enrolToken: token(), stopToken: token() },
  activated: { fingerprint, stopToken: token() },
  replacement_proposed: { fingerprint, stopToken: token() },
  replacement_approved: { fingerprint, activatesAt: at, stopToken: token() },
  certificate_changed: { oldFingerprint: 'F'.repeat(64), fingerprint, stopToken: token() },
  certificate_extended: { fingerprint, expiresAt: at, stopToken: token() },
  expiring: { fingerprint, expiresAt: at, days: 7, until: at, enrolToken: token(), stopToken: token() },
  attestation_expiring: { attestation: 'aoc', validUntil: at, days: 1, stopToken: token() },
  suspended: { reason: 'attestation_lapsed', stopToken: token() },
  reinstated: { stopToken: token() },
  policy_cut_off: {
    policy: 'strict',
    from: at,
    fingerprint,
    until: at,
    enrolToken: token(),
    stopToken: token(),
  },
  proposal_not_allowed: { fingerprint, until: at, enrolToken: token(), stopToken: token() },
  revoked: { fingerprint, reason: 'compromised' },
  unenrolled: {},
  change_waiting: {
    change: 'recipient.activate',
    askedBy: 'Ada',
    about: 'ada@bank.test' as Address,
    until: at,
  },
  recipient_report: { about: 'ada@bank.test' as Address, report: 'certificate_revoked', fingerprint, at },
  daily_review: {
    day: new Date('2027-05-03T00:00:00Z'),
    events: 40_000,
    messages: 9_000,
    delivered: 8_990,
    failed: 4,
    quarantined: 1,
    refused: 17,
    unusual: 2,
    alarms: 1,
    pending: 3,
    ending: 5,
    late: 0,
    report: 'ab12'.repeat(16),
    checkpoint: [{ size: 1_000_000, root: `${'R'.repeat(43)}=`, signature: `${'S'.repeat(91)}=` }],
  },
  ending_soon: {
    list: [{ about: 'ada@bank.test' as Address, thing: 'certificate', endsAt: at, days: 7 }],
    more: 2,
  },
  policy_scheduled: { policy: 'strict', from: at, cutOff: 3 },
  policy_ending: { policy: 'standard', expiresAt: at, days: 30 },
}

export const operatorKinds: readonly string[] = [
  'change_waiting',
  'recipient_report',
  'ending_soon',
  'daily_review',
  'policy_scheduled',
  'policy_ending',
]

export async function insertOperator(post: Post): Promise<OperatorId> {
  const id = newId('opr', systemClock)
  await post.owner('operators').insert({
    id,
    name: id,
    address: `${id}@acme.test`,
    roles: ['admin'],
    created_at: new Date(),
  })
  return id
}

export async function insertRecipientAt(post: Post, address: string): Promise<RecipientId> {
  const id = newId('rcp', systemClock)
  await post.owner('recipients').insert({
    id,
    address,
    kind: 'supplier',
    organisation: 'Bank',
    state: 'invited',
    created_at: new Date(),
  })
  return id
}

/** Queues one as the gateway would. */
export function queue(post: Post, notice: Notice, sender = noticeSender): Promise<NoticeId> {
  return post.gateway.transaction(trx => queueNotice(trx, systemClock, sender, notice))
}

/** An invitation to a new recipient of that domain. */
export async function inviteTo(post: Post, domain = 'bank.test'): Promise<{ id: NoticeId; address: string }> {
  const address = `n${randomBytes(5).toString('hex')}@${domain}` as Address
  const recipient = await insertRecipientAt(post, address)
  const id = await queue(post, {
    kind: 'invitation',
    to: { recipient, address },
    fields: { ...examples.invitation, enrolToken: token() },
  })
  return { id, address }
}

export const hastyNotices: NoticePolicy = {
  ...standardNoticePolicy,
  retry: hasty.retry,
  limits: hasty.limits,
  poll: 20,
  pause: 100,
}

export function startNotices(
  post: Post,
  settings: {
    readonly policy?: Partial<NoticePolicy>
    readonly publicCa?: string
    readonly admit?: (bytes: Uint8Array) => Ciphertext
    /** Default: no policy is in force. */
    readonly policyAt?: (at: Date) => Promise<SendingPolicy | undefined>
  } = {},
): { stop(deadline?: number): Promise<void> } {
  const { policy, ...rest } = settings
  const courier = openNoticeCourier({
    knex: post.gateway,
    clock: systemClock,
    log: post.log,
    mailHost: 'gateway.test',
    findRoute: loopbackRoutes(post.gateway),
    publicCa: undefined,
    admit: bytes => bytes as Ciphertext,
    policyAt: () => Promise.resolve(undefined),
    random: () => 0.5,
    policy: { ...hastyNotices, ...policy },
    ...rest,
  })
  return { stop: (deadline = 2000) => courier.stop(deadline) }
}

export interface NoticeRow {
  readonly state: 'queued' | 'sent' | 'failed'
  readonly outcome: string | null
  readonly attempts: number
  readonly fields: unknown
  readonly ciphertext: Buffer | null
  readonly settled_at: Date | null
}

export async function noticeRow(post: Post, id: NoticeId): Promise<NoticeRow> {
  const row = await post.owner('notices').where({ id }).first<NoticeRow | undefined>()
  if (row === undefined) throw new Error('no such notice')
  return row
}

export async function noticeEvents(
  post: Post,
  id: NoticeId,
): Promise<
  readonly { type: string; attempt?: number; outcome?: string; host?: string | null; tls?: unknown }[]
> {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as { type: string; notice?: string })
    .filter(({ notice }) => notice === id)
}
