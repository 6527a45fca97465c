import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { cosign, noteSigner } from '../../src/tlog/index.ts'
import { type EvidenceReport, type Leaf, verifyEvidence } from '../../src/verifier/index.ts'
import { testOrigin } from '../support/audit-export.ts'
import { evidenceFile, Story } from '../support/evidence-story.ts'

const signer = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
const witness = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')

/** Two recipients with all that can happen to them, and a message to both; another, to one of them and a third. */
const story = new Story().open()
const ann = story.enrol('ann@acquirer.example')
const bob = story.enrol('bob@acquirer.example')
story.tell(story.by(story.ada), {
  type: 'recipient.suspended',
  recipient: ann.recipient,
  reason: 'attestation',
})
const back = story.decide('recipient.reinstate', ann.recipient)
story.tell(story.by(story.grace), { type: 'recipient.reinstated', recipient: ann.recipient, change: back })
const both = story.accept([ann, bob])
const carl = story.enrol('carl@acquirer.example')
const single = story.accept([bob, carl])
const [toAnn, toBob, toBobAlone] = [both.deliveries[0]!, both.deliveries[1]!, single.deliveries[0]!]
story.attempt(toBobAlone, 1, 'deferred')
story.attempt(toAnn, 1, 'deferred')
story.tell({ kind: 'gateway' }, { type: 'delivery.quarantined', delivery: toAnn, outcome: 'internal_error' })
story.tell(story.by(story.ada), { type: 'delivery.released', delivery: toAnn, outcome: 'internal_error' })
story.attempt(toAnn, 2, 'delivered')
story.attempt(toBob, 1, 'failed')
story.attempt(toBobAlone, 2, 'delivered')
const why = { reason: 'left', means: 'host', stopped: 0 } as const
story.tell({ kind: 'host' }, { type: 'certificate.revoked', ...pick(ann), ...why })
story.tell({ kind: 'host' }, { type: 'certificate.revoked', ...pick(bob), ...why })
story.tell({ kind: 'host' }, { type: 'certificate.revoked', ...pick(carl), ...why })

const text = await evidenceFile(story, both.message, signer)
const file = JSON.parse(text) as { checkpoint: string; events: (Leaf & { proof: string[] })[] } & Record<
  string,
  unknown
>
file.checkpoint += cosign(file.checkpoint, 1_767_600_000, witness)
const whole = render(file)
const verify = (changed: string): EvidenceReport =>
  verifyEvidence(changed, { keys: [signer.verifier], witnesses: [witness.verifier] })

test('what is whole is accepted', () => {
  expect(verify(whole)).toMatchObject({ ok: true, findings: [], cautions: [] })
})

describe('a file that was altered is refused', () => {
  test('in any value: changed, taken away, of another kind, or joined by another', async () => {
    // To one recipient, so that each value is there once.
    const small = new Story().open()
    const { message, deliveries } = small.accept([small.enrol('dan@acquirer.example')])
    small.attempt(deliveries[0]!, 1, 'delivered')
    const least = JSON.parse(await evidenceFile(small, message, signer)) as typeof file
    least.checkpoint += cosign(least.checkpoint, 1_767_600_000, witness)
    expect(verify(render(least)).ok).toBe(true)
    let changes = 0
    for (const changed of mutations(least)) {
      changes += 1
      if (verify(render(changed.whole)).ok) throw new Error(`nobody noticed: ${changed.what}`)
    }
    expect(changes).toBeGreaterThan(1_000)
  })

  test('in any octet that is no value: a space, a quote, a line end', () => {
    for (let at = 0; at < whole.length; at += 997) {
      const octet = String.fromCharCode(whole.charCodeAt(at) ^ 1)
      if (verify(whole.slice(0, at) + octet + whole.slice(at + 1)).ok) throw new Error(`octet ${at}`)
    }
    expect(verify(`${whole} `).ok).toBe(false)
    expect(verify(whole.slice(0, -1)).ok).toBe(false)
    expect(verify(`\ufeff${whole}`).ok).toBe(false)
    expect(verify(JSON.stringify(file)).ok).toBe(false)
    // A second member of the same name: readers differ in which of the two they take.
    expect(verify(whole.replace('{\n', '{\n  "message": "msg_0",\n')).ok).toBe(false)
  })

  test('by events that were left out, told twice, or in another order', () => {
    const { events } = file
    for (const [at, event] of events.entries()) {
      expect(verify(render({ ...file, events: events.toSpliced(at, 1) })).ok).toBe(false)
      expect(verify(render({ ...file, events: events.toSpliced(at, 0, event) })).ok).toBe(false)
      const next = events[at + 1]
      if (next !== undefined)
        expect(verify(render({ ...file, events: events.toSpliced(at, 2, next, event) })).ok).toBe(false)
    }
  })
})

/** What nobody can see to be missing in one file: that nothing else happened is shown by the whole log only. */
const removable = new Set([
  'certificate.revoked',
  'delivery.deferred',
  'delivery.delivered',
  'delivery.failed',
  'delivery.quarantined',
  'delivery.released',
  'possession.challenged',
  'possession.refused',
  'recipient.activated',
  'recipient.reinstated',
  'recipient.suspended',
])

describe('a file that was made anew, from events that are all in the log, is refused', () => {
  test('when it leaves out an event that the others need, whatever it then says', async () => {
    for (const { leaf, body } of file.events) {
      const { type } = JSON.parse(body) as { type: string }
      const forged = await evidenceFile(
        story,
        both.message,
        signer,
        (one, taken) => taken && one.leaf !== leaf,
      )
      const { ok } = verifyEvidence(forged, { keys: [signer.verifier] })
      if (ok && !removable.has(type)) throw new Error(`${type} can be left out`)
    }
  })

  test('when a decision is told of what never waited for one', async () => {
    const isQuarantine = ({ body }: Leaf) => body.includes('"delivery.quarantined"')
    const forged = await evidenceFile(
      story,
      both.message,
      signer,
      (one, taken) => taken && !isQuarantine(one),
    )
    expect(verifyEvidence(forged, { keys: [signer.verifier] }).findings).toContainEqual({
      code: 'event_missing',
      where: `delivery.quarantined ${toAnn}`,
    })
  })

  test('when it has an event of another delivery, message or recipient, beside or instead of its own', async () => {
    const own = new Set(file.events.map(({ leaf }) => leaf))
    const foreign = story.leaves.filter(({ leaf }) => !own.has(leaf))
    expect(foreign.length).toBeGreaterThan(3)
    for (const { leaf, body } of foreign) {
      const beside = await evidenceFile(
        story,
        both.message,
        signer,
        (one, taken) => taken || one.leaf === leaf,
      )
      expect(verifyEvidence(beside, { keys: [signer.verifier] }).findings).toContainEqual({
        code: 'event_foreign',
        where: `leaf ${leaf}`,
      })
      for (const mine of file.events.filter(one => typeOf(one.body) === typeOf(body))) {
        const instead = await evidenceFile(
          story,
          both.message,
          signer,
          (one, taken) => one.leaf === leaf || (taken && one.leaf !== mine.leaf),
        )
        expect(verifyEvidence(instead, { keys: [signer.verifier] }).ok).toBe(false)
      }
    }
  })

  test('when the way of one recipient is told for another', async () => {
    const single = await evidenceFile(
      story,
      both.message,
      signer,
      (one, taken) => taken && !one.body.includes(bob.recipient),
    )
    expect(verifyEvidence(single, { keys: [signer.verifier] }).ok).toBe(false)
  })
})

describe('events that do not fit each other are refused', () => {
  /** A log in which one recipient was enrolled in another way than it must be, and a message to them. */
  async function forged(enrol: (story: Story) => ReturnType<Story['enrol']>): Promise<EvidenceReport> {
    const bad = new Story().open()
    const { message } = bad.accept([enrol(bad)])
    return verifyEvidence(await evidenceFile(bad, message, signer), { keys: [signer.verifier] })
  }
  type Change = (event: Record<string, unknown> & { type: string }, bad: Story) => object | undefined
  /** Every event of an enrolment, changed on its way into the log. */
  const enrolledWith = (change: Change) => (bad: Story) => {
    const tell = bad.tell.bind(bad)
    bad.tell = (actor, event) => {
      const changed = change({ actor, ...event }, bad)
      return changed === undefined ? tell(actor, event) : tell(actor, event, changed)
    }
    return bad.enrol('eve@acquirer.example')
  }

  test.each<[string, Change]>([
    [
      'one person asked and approved',
      ({ type }, { ada }) => only(type, 'change.approved', { actor: op(ada) }),
    ],
    ['no operator approved', ({ type }) => only(type, 'change.approved', { actor: { kind: 'host' } })],
    [
      'who approved is no approver',
      ({ type }, { ada, grace }) =>
        type === 'change.asked' ? { actor: op(grace) } : only(type, 'change.approved', { actor: op(ada) }),
    ],
    [
      'another verified the fingerprint than asked',
      ({ type }, { grace }) => only(type, 'fingerprint.verified', { actor: op(grace) }),
    ],
    [
      'the fingerprint of another certificate was verified',
      ({ type }) => only(type, 'fingerprint.verified', { certificate: 'A'.repeat(40) }),
    ],
    [
      'another certificate was proposed than activated',
      ({ type }) => only(type, 'certificate.proposed', { certificate: 'A'.repeat(40) }),
    ],
    [
      'another subkey was proposed than activated',
      ({ type }) => only(type, 'certificate.proposed', { encryptionSubkey: 'A'.repeat(40) }),
    ],
    [
      'possession of another proposal was proved',
      ({ type }) => only(type, 'possession.proved', { proposal: 'prp_x' }),
    ],
    ['another request was approved', ({ type }) => only(type, 'proposal.approved', { change: 'chg_x' })],
    ['the request was about something else', ({ type }) => only(type, 'change.asked', { subject: 'prp_x' })],
    [
      'the request was of another kind',
      ({ type }) => only(type, 'change.approved', { kind: 'recipient.attest' }),
    ],
    [
      'another recipient was activated',
      ({ type }) => only(type, 'certificate.activated', { recipient: 'rcp_x' }),
    ],
    [
      'nobody certified what needed no approval',
      ({ type }) => only(type, 'proposal.approved', { change: null }),
    ],
  ])('%s', async (_, change) => {
    const { ok, findings } = await forged(enrolledWith(change))
    expect(ok).toBe(false)
    expect(findings.some(({ code }) => code === 'event_missing' || code === 'event_unfit')).toBe(true)
  })

  test('one person, who has every role, did all of it', async () => {
    const bad = new Story()
    const tell = bad.tell.bind(bad)
    bad.tell = (actor, event) =>
      tell(
        actor.kind === 'operator' ? op(bad.ada) : actor,
        event,
        only(event.type, 'operator.added', everyRole),
      )
    const { message } = bad.open().accept([bad.enrol('eve@acquirer.example')])
    const { findings } = verifyEvidence(await evidenceFile(bad, message, signer), { keys: [signer.verifier] })
    expect(findings.every(({ code }) => code === 'event_unfit')).toBe(true)
    expect(findings.filter(({ where }) => where.endsWith('by one person'))).toHaveLength(3)
  })

  test('the steps came in another order', async () => {
    const { findings } = await forged(bad => {
      const cast = { ...ann, recipient: ann.recipient, address: ann.address }
      bad.tell(op(bad.ada), {
        type: 'recipient.invited',
        recipient: cast.recipient,
        kind: 'customer',
        address: cast.address,
      })
      bad.verify(cast)
      bad.approve(cast, bad.ask(cast))
      bad.prove(cast, null)
      return cast
    })
    expect(findings.map(({ code }) => code)).toContain('event_missing')
  })

  test('an operator approved who had been revoked', async () => {
    const { findings } = await forged(bad => {
      bad.tell({ kind: 'host' }, { type: 'operator.revoked', operator: bad.grace })
      return bad.enrol('eve@acquirer.example')
    })
    expect(findings).toContainEqual({ code: 'event_unfit', where: 'change.approved by a revoked operator' })
  })

  test('the message was accepted before the certificate was active', async () => {
    const bad = new Story().open()
    const { message } = bad.accept([ann])
    bad.enrol('ann@acquirer.example')
    const { ok } = verifyEvidence(await evidenceFile(bad, message, signer), { keys: [signer.verifier] })
    expect(ok).toBe(false)
  })
})

const everyRole = { roles: ['admin', 'approver'] }

function op(id: Story['ada']) {
  return { kind: 'operator', id } as const
}

function only(type: string, wanted: string, fields: object): object | undefined {
  return type === wanted ? fields : undefined
}

function pick({ recipient, certificate }: typeof ann) {
  return { recipient, certificate }
}

function typeOf(body: string): string {
  return (JSON.parse(body) as { type: string }).type
}

function render(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** A value with one value in it changed, wherever that is: some change of each kind that its form allows. */
function* mutations(value: unknown, what = ''): Generator<{ whole: unknown; what: string }> {
  if (typeof value === 'string') {
    for (const whole of strings(value)) yield { whole, what: `${what} ${JSON.stringify(whole).slice(0, 80)}` }
  } else if (typeof value === 'number') {
    for (const whole of [value + 1, -value - 1, value + 0.5, String(value)])
      yield { whole, what: `${what} ${whole}` }
  } else if (what.endsWith('/proof') && Array.isArray(value)) {
    // Each hash takes part in the same sum.
    for (const at of [0, value.length - 1]) {
      for (const whole of strings(String(value[at])))
        yield { whole: value.with(at, whole), what: `${what}/${at}` }
      yield { whole: value.toSpliced(at, 1), what: `${what}/${at} gone` }
    }
  } else if (Array.isArray(value)) {
    yield { whole: value.concat(null) as unknown, what: `${what} one more` }
    for (const [at, item] of value.entries()) {
      yield { whole: value.toSpliced(at, 1), what: `${what}/${at} gone` }
      for (const { whole, what: where } of mutations(item, `${what}/${at}`))
        yield { whole: value.with(at, whole), what: where }
    }
  } else if (typeof value === 'object' && value !== null) {
    yield { whole: { ...value, extra: null }, what: `${what} one more` }
    for (const [name, member] of Object.entries(value)) {
      yield {
        whole: Object.fromEntries(Object.entries(value).filter(([other]) => other !== name)),
        what: `${what}/${name} gone`,
      }
      for (const { whole, what: where } of mutations(member, `${what}/${name}`))
        yield { whole: { ...value, [name]: whole }, what: where }
    }
  } else yield { whole: value === null ? 'null' : null, what }
}

/** One of each class of octets changed: a letter, a digit, what is neither; and the ends. */
function* strings(value: string): Generator<string> {
  for (const kind of [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/]) {
    const at = value.search(kind)
    if (at >= 0)
      yield value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1)
  }
  yield `${value}0`
  yield value.slice(0, -1) + (value.endsWith('=') ? '' : '\u0000')
}
