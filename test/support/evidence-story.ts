import { createHash, randomUUID } from 'node:crypto'
import type { Actor, AuditEvent, TlsEvidence } from '../../src/audit/index.ts'
import {
  type Address,
  type ApplicationId,
  type ChangeRequestId,
  type Clock,
  type DeliveryId,
  type MessageId,
  newId,
  type OperatorId,
  type PolicyRecordId,
  type ProposalId,
  type RecipientId,
} from '../../src/kernel/index.ts'
import {
  formatVerifier,
  leafHash,
  type NoteSigner,
  proveInclusion,
  type ReadHash,
  rootOfHashes,
} from '../../src/tlog/index.ts'
import { answersOf, evidenceFormat, type Leaf, renderEvidence } from '../../src/verifier/index.ts'
import { signedCheckpoint } from './audit-export.ts'

/** What one recipient is in a story. */
export interface Cast {
  readonly recipient: RecipientId
  readonly address: Address
  readonly proposal: ProposalId
  readonly certificate: string
  readonly encryptionSubkey: string
}

/** Events as a gateway would have written them, one after the other, without a gateway. */
export class Story {
  readonly bodies: string[] = []
  readonly #start = Date.UTC(2026, 0, 5, 9)
  readonly #seed: string
  #ids = 0
  readonly clock: Clock = { now: () => new Date(this.#start + this.bodies.length * 1_000) }
  readonly ada: OperatorId
  readonly grace: OperatorId
  readonly application: ApplicationId
  readonly policy: { readonly record: PolicyRecordId; readonly name: string; readonly sha256: string }

  /** @param seed the same story each time, when it is the same. */
  constructor(seed: string = randomUUID()) {
    this.#seed = seed
    this.ada = this.id('opr')
    this.grace = this.id('opr')
    this.application = this.id('app')
    this.policy = { record: this.id('pol'), name: 'standard', sha256: digest('standard') }
  }

  id<Prefix extends Parameters<typeof newId>[0]>(prefix: Prefix): ReturnType<typeof newId<Prefix>> {
    this.#ids += 1
    const time = newId(prefix, this.clock).slice(0, 14)
    return `${time}${digest(`${this.#seed} ${this.#ids}`).slice(0, 16)}` as ReturnType<typeof newId<Prefix>>
  }

  tell(actor: Actor, event: AuditEvent, more: object = {}): number {
    const salt = digest(String(this.bodies.length)).slice(0, 32)
    const whole = { ...event, actor, at: this.clock.now().toISOString(), id: this.id('evt'), salt, ...more }
    return this.bodies.push(canonical(whole)) - 1
  }

  by(operator: OperatorId): Actor {
    return { kind: 'operator', id: operator }
  }

  /** Operators, an application, a policy that two of them adopted, and the rule of a domain. */
  open(domain = 'acquirer.example'): this {
    const host: Actor = { kind: 'host' }
    this.tell(host, { type: 'operator.added', operator: this.ada, roles: ['admin'], name: 'ada' })
    this.tell(host, { type: 'operator.added', operator: this.grace, roles: ['approver'], name: 'grace' })
    const { application } = this
    this.tell(host, { type: 'application.added', application, san: 'URI:urn:test:billing' })
    const { record, name: policy, sha256 } = this.policy
    const change = this.decide('policy.adopt', policy)
    const times = { effectiveAt: '2026-01-01T00:00:00.000Z', expiresAt: '2027-01-01T00:00:00.000Z' }
    this.tell(this.by(this.grace), {
      type: 'policy.adopted',
      record,
      policy,
      sha256,
      ...times,
      refused: 0,
      change,
    })
    const rule = this.decide('destination.set', domain)
    const set = {
      type: 'destination.set',
      domain,
      mode: 'pinned',
      sha256: digest('rule'),
      change: rule,
    } as const
    this.tell(this.by(this.grace), set)
    return this
  }

  /** One asks, another approves. */
  decide(kind: string, subject: string): ChangeRequestId {
    const change = this.id('chg')
    this.tell(this.by(this.ada), { type: 'change.asked', change, kind, subject })
    this.tell(this.by(this.grace), { type: 'change.approved', change, kind, subject })
    return change
  }

  /** The whole way of a recipient, to an active certificate. */
  enrol(address: string): Cast {
    const [recipient, proposal] = [this.id('rcp'), this.id('prp')]
    const [certificate, encryptionSubkey] = [fingerprint(address), fingerprint(`${address} subkey`)]
    const cast: Cast = { recipient, address: address as Address, proposal, certificate, encryptionSubkey }
    this.tell(this.by(this.ada), {
      type: 'recipient.invited',
      recipient,
      kind: 'customer',
      address: cast.address,
    })
    this.prove(cast, null)
    this.verify(cast)
    const change = this.ask(cast)
    this.approve(cast, change)
    this.tell(this.by(this.grace), { type: 'recipient.activated', recipient, certificate })
    return cast
  }

  /** Another certificate of the same recipient, which the one before has certified. */
  replace({ recipient, address, certificate: certifiedBy }: Cast): Cast {
    const proposal = this.id('prp')
    const [certificate, encryptionSubkey] = [fingerprint(proposal), fingerprint(`${proposal} subkey`)]
    const cast: Cast = { recipient, address, proposal, certificate, encryptionSubkey }
    this.prove(cast, certifiedBy)
    this.approve(cast, null)
    return cast
  }

  prove({ recipient, proposal, certificate, encryptionSubkey }: Cast, certifiedBy: string | null): void {
    const itself: Actor = { kind: 'recipient', id: recipient }
    this.tell(itself, {
      ...{ type: 'certificate.proposed', recipient, proposal, certificate, encryptionSubkey, certifiedBy },
      ...{ source: 'upload', algorithm: 'ecdh-curve25519', format: 'seipdv2', expires: null },
    })
    this.tell({ kind: 'gateway' }, { type: 'possession.challenged', recipient, proposal })
    this.tell(itself, { type: 'possession.refused', recipient, proposal })
    this.tell(itself, { type: 'possession.proved', recipient, proposal })
  }

  verify({ recipient, proposal, certificate }: Cast): void {
    this.tell(this.by(this.ada), {
      ...{ type: 'fingerprint.verified', recipient, proposal, certificate, means: 'phone' },
    })
  }

  ask({ proposal: subject }: Cast): ChangeRequestId {
    return this.decide('recipient.activate', subject)
  }

  approve(cast: Cast, change: ChangeRequestId | null): void {
    const { recipient, proposal, certificate, encryptionSubkey } = cast
    const actor: Actor = change === null ? { kind: 'gateway' } : this.by(this.grace)
    const policy = this.policy.record
    const activatesAt = this.clock.now().toISOString()
    this.tell(actor, { type: 'proposal.approved', recipient, proposal, change, activatesAt, policy })
    this.tell(actor, { type: 'certificate.activated', recipient, certificate, encryptionSubkey, proposal })
  }

  /** A message to some of them; its deliveries in their order. */
  accept(to: readonly Cast[]): { readonly message: MessageId; readonly deliveries: readonly DeliveryId[] } {
    const message = this.id('msg')
    const deliveries = to.map(({ recipient, certificate, encryptionSubkey }) => ({
      delivery: this.id('dlv'),
      ...{ recipient, certificate, encryptionSubkey },
      ciphertextSha256: digest(ciphertextOf(recipient)),
      ciphertextBytes: ciphertextOf(recipient).length,
      format: 'seipdv2' as const,
      algorithm: 'ecdh-curve25519',
    }))
    const actor: Actor = { kind: 'application', id: this.application }
    this.tell(actor, { type: 'message.accepted', message, deliveries, policy: this.policy })
    return { message, deliveries: deliveries.map(({ delivery }) => delivery) }
  }

  attempt(
    delivery: DeliveryId,
    attempt: number,
    result: 'delivered' | 'deferred' | 'failed',
    reply = replies[result],
  ): number {
    return this.tell(
      { kind: 'gateway' },
      {
        ...{ type: `delivery.${result}`, delivery, attempt, host: 'mx.acquirer.example', tls },
        outcome: result === 'delivered' ? 'delivered' : 'server_busy',
        ...{ replyCode: Number(reply.slice(0, 3)), replySha256: digest(reply) },
      },
    )
  }

  /** The leaves that the story rests on, and others, as they lie in the log. */
  get leaves(): readonly Leaf[] {
    return this.bodies.map((body, leaf) => ({ leaf, body }))
  }
}

const replies = {
  delivered: '250 2.0.0 queued as 4F2D',
  deferred: '451 4.3.2 come back later',
  failed: '550 5.1.1 no such user',
} as const

const tls: TlsEvidence = {
  ...{ rule: 'pinned', asked: 'pinned', version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  ...{ group: 'X25519MLKEM768', certificateSha256: digest('mx'), revocation: 'good' },
}

/** What the recipient was sent, in a story: no OpenPGP, but somebody's own bytes. */
export function ciphertextOf(recipient: string): string {
  return `ciphertext for ${recipient}`
}

/** Evidence as the gateway makes it, of leaves that are all in the log; `choose` leaves some out, or brings others in. */
export async function evidenceFile(
  story: Story,
  message: string,
  signer: NoteSigner,
  choose: (leaf: Leaf, isTaken: boolean) => boolean = (_, isTaken) => isTaken,
  said: readonly string[] = Object.values(replies).sort(),
): Promise<string> {
  const { taken } = answersOf(message, story.leaves, said)
  const chosen = story.leaves.filter(leaf => choose(leaf, taken.has(leaf.leaf)))
  const { answers } = answersOf(message, chosen, said)
  const heard = answers?.deliveries.flatMap(({ history }) => history.map(({ reply }) => reply)) ?? []
  const hashes = story.bodies.map(body => leafHash(body))
  const size = hashes.length
  const read: ReadHash = (height, index) =>
    Promise.resolve(rootOfHashes(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height)))
  const events = await Promise.all(
    chosen.map(async ({ leaf, body }) => ({
      leaf,
      body,
      proof: (await proveInclusion(leaf, size, read)).map(hash => hash.toString('base64')),
    })),
  )
  return renderEvidence({
    format: evidenceFormat,
    message,
    answers,
    checkpoint: signedCheckpoint(hashes, signer),
    key: formatVerifier(signer.verifier),
    events,
    replies: said.filter(reply => heard.includes(reply)),
  })
}

/** RFC 8785, for what events hold. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function fingerprint(of: string): string {
  return digest(of).slice(0, 40).toUpperCase()
}
