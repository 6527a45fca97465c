import {
  leafHash,
  type NoteSigner,
  proveInclusion,
  type ReadHash,
  rootOfHashes,
} from '../../src/tlog/index.ts'
import { answersOf, type EvidenceFile } from '../../src/verifier/index.ts'
import { signedCheckpoint } from '../support/audit-export.ts'
import { Story } from '../support/evidence-story.ts'

/** A message, and another to the same people. */
export interface Told {
  readonly story: Story
  readonly message: string
  readonly other: string
}

/** Two recipients, of whom one has a new certificate; and nearly all that can happen to a message and to them. */
export function longStory(): Told {
  const story = new Story('long').open()
  const by = { ada: story.by(story.ada), grace: story.by(story.grace) }
  const gateway = { kind: 'gateway' } as const
  const ann = story.enrol('ann@acquirer.example')
  const bob = story.enrol('bob@acquirer.example')
  story.verify(bob)
  const turnedDown = { change: story.id('chg'), kind: 'recipient.activate', subject: bob.proposal }
  story.tell(by.ada, { type: 'change.asked', ...turnedDown })
  story.tell(by.grace, { type: 'change.rejected', ...turnedDown })
  const { change } = JSON.parse(story.bodies[3]!) as { change: typeof turnedDown.change }
  story.tell(by.ada, {
    ...{ type: 'change.refused', change, kind: 'policy.adopt', subject: story.policy.name },
    ...{ decision: 'approved', code: 'second_person_needed' },
  })
  const { recipient, certificate, encryptionSubkey } = ann
  const replaced = story.replace(ann)
  story.tell(gateway, {
    ...{ type: 'certificate.retired', recipient, certificate, encryptionSubkey },
    finishUntil: '2026-02-01T00:00:00.000Z',
  })
  const { message: other } = story.accept([bob])
  const { message, deliveries } = story.accept([replaced, bob])
  const [toAnn, toBob] = deliveries
  if (toAnn === undefined || toBob === undefined) throw new Error('there are two')
  story.attempt(toAnn, 1, 'deferred')
  const domain = 'acquirer.example'
  const ruled = () => story.decide('destination.set', domain)
  story.tell(by.grace, { type: 'destination.removed', domain, change: ruled() })
  story.tell(by.ada, { type: 'destination.set', domain, mode: 'auto', sha256: 'a'.repeat(64) })
  story.tell(gateway, { type: 'delivery.quarantined', delivery: toBob, outcome: 'internal_error' })
  story.tell(by.ada, { type: 'delivery.released', delivery: toBob, outcome: 'internal_error' })
  story.attempt(toBob, 1, 'deferred')
  story.tell(gateway, { type: 'delivery.quarantined', delivery: toBob, outcome: 'internal_error' })
  story.tell(by.ada, { type: 'delivery.cancelled', delivery: toBob, outcome: 'cancelled' })
  story.attempt(toAnn, 2, 'delivered')
  story.tell(by.grace, {
    type: 'destination.set',
    domain,
    mode: 'secure',
    sha256: 'b'.repeat(64),
    change: ruled(),
  })
  story.tell(by.ada, { type: 'recipient.suspended', recipient, reason: 'attestation' })
  const attestation = { attestation: story.id('att'), kind: 'pci_aoc', validUntil: '2027-01-01' }
  story.tell(by.ada, { type: 'attestation.recorded', recipient, ...attestation })
  const lifted = story.decide('recipient.reinstate', recipient)
  story.tell(by.grace, { type: 'recipient.reinstated', recipient, change: lifted })
  story.tell(by.ada, {
    ...{ type: 'certificate.revoked', recipient: bob.recipient, certificate: bob.certificate },
    ...{ reason: 'compromised', means: 'operator', stopped: 0 },
  })
  story.tell(by.ada, { type: 'recipient.unenrolled', recipient: bob.recipient })
  story.tell({ kind: 'host' }, { type: 'operator.revoked', operator: story.grace })
  return { story, message, other }
}

/** The same without the fields that came later. */
export function oldStory(): Told {
  const { story, ...messages } = longStory()
  const later = ['address', 'format', 'algorithm', 'replySha256', 'name', 'expires', 'effectiveAt']
  const aged = new Story('old')
  for (const body of story.bodies) {
    const event = JSON.parse(body, function (this: { type?: string }, name: string, value: unknown) {
      const isLater =
        later.slice(0, -1).includes(name) || (name === 'policy' && this.type !== 'policy.adopted')
      return isLater || (name === 'change' && this.type === 'policy.adopted') ? undefined : value
    }) as Parameters<Story['tell']>[1] & { actor: Parameters<Story['tell']>[0] }
    aged.tell(event.actor, event, event)
  }
  return { story: aged, ...messages }
}

/** These leaves of a log of these events, which the log's key signed, with the answers that they give, if they give any. */
export async function signedAnew(
  file: EvidenceFile,
  bodies: readonly string[],
  leaves: readonly number[],
  signer: NoteSigner,
): Promise<string> {
  const hashes = bodies.map(body => leafHash(body))
  const read: ReadHash = (height, index) =>
    Promise.resolve(rootOfHashes(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height)))
  const chosen = leaves.map(leaf => ({ leaf, body: bodies[leaf] ?? '' }))
  const events = await Promise.all(
    chosen.map(async ({ leaf, body }) => ({
      leaf,
      body,
      proof: (await proveInclusion(leaf, hashes.length, read)).map(hash => hash.toString('base64')),
    })),
  )
  const answers = answersOf(file.message, chosen, file.replies).answers ?? file.answers
  const anew = { ...file, answers, checkpoint: signedCheckpoint(hashes, signer), events }
  return `${JSON.stringify(anew, null, 2)}\n`
}

/** The way to each value that is no object and no list. */
export function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))
}

/** Puts another value in the place. */
export function alterAt(value: unknown, path: readonly string[]): void {
  const last = path.at(-1) ?? ''
  const holder = path.slice(0, -1).reduce((at, name) => (at as Record<string, unknown>)[name], value)
  const members = holder as Record<string, unknown>
  members[last] = another(members[last])
}

/** A value of the same kind, if it has a kind; of an object the first member is another. */
export function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`
  if (Array.isArray(value)) return ['auditor']
  if (typeof value !== 'object' || value === null) return 'x'
  return Object.fromEntries(
    Object.entries(value).map(([name, member], at) => [name, at === 0 ? another(member) : member]),
  )
}

/** As told so many seconds after some time. */
export function stamped(body: string, seconds: number): string {
  const at = new Date(Date.UTC(2026, 0, 5) + seconds * 1_000).toISOString()
  return body.replace(/"at":"[^"]*"/, `"at":"${at}"`)
}
