import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Actor } from '../../src/audit/index.ts'
import { cosign, noteSigner } from '../../src/tlog/index.ts'
import { type EvidenceOptions, verifyEvidence } from '../../src/verifier/index.ts'
import { signedCheckpoint, testOrigin } from '../support/audit-export.ts'
import { ciphertextOf, evidenceFile, Story } from '../support/evidence-story.ts'

const signer = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
const stranger = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
const witness = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')
const pinned: EvidenceOptions = { keys: [signer.verifier] }

/** Two recipients, of whom one answers late; and another message, to one of them. */
function tell() {
  const story = new Story().open()
  const [ann, bob] = [story.enrol('ann@acquirer.example'), story.enrol('bob@acquirer.example')]
  const other = story.accept([ann])
  const { message, deliveries } = story.accept([ann, bob])
  const [toAnn, toBob] = deliveries
  if (toAnn === undefined || toBob === undefined || other.deliveries[0] === undefined) throw new Error('two')
  story.attempt(toAnn, 1, 'delivered')
  story.attempt(other.deliveries[0], 1, 'delivered')
  story.attempt(toBob, 1, 'deferred')
  story.attempt(toBob, 2, 'delivered')
  return { story, ann, bob, message, other, toAnn, toBob }
}

describe('evidence', () => {
  test('answers what went where, to which key, approved by whom, over which TLS', async () => {
    const { story, message, bob } = tell()
    const report = verifyEvidence(await evidenceFile(story, message, signer), pinned)
    expect(report).toMatchObject({ ok: true, findings: [], cautions: ['not_anchored'] })
    expect(report.answers).toMatchObject({
      message,
      application: { id: story.application, san: 'URI:urn:test:billing' },
      policy: {
        name: 'standard',
        decision: { asked: { by: { name: 'ada' } }, approved: { by: { name: 'grace' } } },
      },
    })
    expect(report.answers?.deliveries[1]).toMatchObject({
      state: 'delivered',
      recipient: {
        id: bob.recipient,
        address: bob.address,
        kind: 'customer',
        invited: { by: { name: 'ada' } },
      },
      certificate: {
        fingerprint: bob.certificate,
        encryptionSubkey: bob.encryptionSubkey,
        algorithm: 'ecdh-curve25519',
        enrolment: {
          possessionProved: { by: { kind: 'recipient' } },
          fingerprintVerified: { by: { name: 'ada' }, means: 'phone' },
          decision: { asked: { by: { name: 'ada' } }, approved: { by: { name: 'grace' } } },
          policy: { name: 'standard' },
        },
      },
      ciphertext: { format: 'seipdv2', bytes: ciphertextOf(bob.recipient).length },
      destination: [{ mode: 'pinned', decision: { approved: { by: { name: 'grace' } } } }],
      history: [
        { attempt: 1, outcome: 'server_busy', replyCode: 451, enhancedCode: '4.3.2' },
        {
          ...{ attempt: 2, outcome: 'delivered', reply: '250 2.0.0 queued as 4F2D', enhancedCode: '2.0.0' },
          tls: { rule: 'pinned', version: 'TLSv1.3', group: 'X25519MLKEM768' },
        },
      ],
    })
  })

  test('is the same text each time', async () => {
    const { story, message } = tell()
    expect(await evidenceFile(story, message, signer)).toBe(await evidenceFile(story, message, signer))
  })

  test('has the events of one message and its recipients only', async () => {
    const { story, message, other } = tell()
    const text = await evidenceFile(story, message, signer)
    expect(text).not.toContain(other.message)
    for (const delivery of other.deliveries) expect(text).not.toContain(delivery)
  })

  test('of a delivery under way says so', async () => {
    const { story, bob } = tell()
    const { message, deliveries } = story.accept([bob])
    expect(await stateOf(story, message)).toBe('under_way')
    story.attempt(deliveries[0]!, 1, 'deferred')
    expect(await stateOf(story, message)).toBe('under_way')
    story.tell(
      { kind: 'gateway' },
      { type: 'delivery.quarantined', delivery: deliveries[0]!, outcome: 'internal_error' },
    )
    expect(await stateOf(story, message)).toBe('quarantined')
    story.tell(story.by(story.ada), {
      type: 'delivery.cancelled',
      delivery: deliveries[0]!,
      outcome: 'cancelled',
    })
    expect(await stateOf(story, message)).toBe('cancelled')
  })

  test('of what its application cancelled says so; nobody else could have, without quarantine', async () => {
    const { story, bob } = tell()
    const told = async (actor: Actor) => {
      const { message, deliveries } = story.accept([bob])
      const outcome = 'cancelled_by_application'
      story.tell(actor, { type: 'delivery.cancelled', delivery: deliveries[0]!, outcome })
      const { ok, findings, answers } = verifyEvidence(await evidenceFile(story, message, signer), pinned)
      return { ok, findings: findings.map(({ code }) => code), state: answers?.deliveries[0]?.state }
    }
    expect(await told({ kind: 'application', id: story.application })).toEqual({
      ok: true,
      findings: [],
      state: 'cancelled',
    })
    expect(await told({ kind: 'application', id: story.id('app') })).toMatchObject({
      ok: false,
      findings: ['event_unfit'],
    })
    expect(await told(story.by(story.ada))).toMatchObject({ ok: false, findings: ['event_missing'] })
  })

  test('tells what came later: a revocation, a suspension, an operator who left', async () => {
    const { story, message, ann } = tell()
    const { recipient, certificate } = ann
    const by = story.by(story.ada)
    const why = { reason: 'compromised', means: 'operator' } as const
    story.tell(by, { type: 'certificate.revoked', recipient, certificate, ...why, stopped: 0 })
    story.tell(by, { type: 'recipient.suspended', recipient, reason: 'attestation' })
    story.tell({ kind: 'host' }, { type: 'operator.revoked', operator: story.grace })
    const { ok, answers } = verifyEvidence(await evidenceFile(story, message, signer), pinned)
    expect(ok).toBe(true)
    expect(answers?.deliveries[0]?.standing).toMatchObject([
      { event: 'recipient.activated' },
      { event: 'certificate.revoked', by: { name: 'ada' }, facts: { reason: 'compromised' } },
      { event: 'recipient.suspended' },
    ])
    expect(answers?.deliveries[1]?.certificate.enrolment?.decision?.approved.by.revoked).toBeDefined()
    expect(answers?.deliveries[1]?.standing).toHaveLength(1)
  })

  test('of a replacement that the certificate before has certified tells how that one was enrolled', async () => {
    const { story, ann } = tell()
    const replaced = story.replace(story.replace(ann))
    const { message } = story.accept([replaced])
    const { ok, answers } = verifyEvidence(await evidenceFile(story, message, signer), pinned)
    expect(ok).toBe(true)
    const enrolment = answers?.deliveries[0]?.certificate.enrolment
    expect(enrolment).toMatchObject({ decision: null, fingerprintVerified: null })
    expect(enrolment?.certifiedBy?.enrolment?.certifiedBy).toMatchObject({
      fingerprint: ann.certificate,
      enrolment: { decision: { approved: { by: { name: 'grace' } } } },
    })
  })

  test('says that a fact is not recorded where events are older than the field', async () => {
    const { story, message } = tell()
    const old = ['address', 'policy', 'format', 'algorithm', 'replySha256', 'name', 'expires']
    const aged = new Story()
    for (const body of story.bodies) {
      const event = JSON.parse(body, function (this: unknown, name: string, value: unknown) {
        // The policy of policy.adopted is no newer than the event.
        return old.includes(name) &&
          !(name === 'policy' && typeof value === 'string' && !value.startsWith('pol_'))
          ? undefined
          : value
      }) as Parameters<Story['tell']>[1] & { actor: Parameters<Story['tell']>[0] }
      aged.tell(event.actor, event, event)
    }
    const { ok, answers } = verifyEvidence(await evidenceFile(aged, message, signer), pinned)
    expect(ok).toBe(true)
    expect(answers).toMatchObject({ policy: 'not recorded' })
    expect(answers?.deliveries[0]).toMatchObject({
      recipient: { address: 'not recorded', invited: { by: { name: 'not recorded' } } },
      certificate: {
        algorithm: 'not recorded',
        enrolment: { expires: 'not recorded', policy: 'not recorded' },
      },
      ciphertext: { format: 'not recorded' },
      destination: 'not recorded',
      history: [{ reply: 'not recorded', enhancedCode: 'not recorded' }],
    })
  })
})

describe('who verifies', () => {
  test('is warned where the key came out of the file', async () => {
    const { story, message } = tell()
    expect(verifyEvidence(await evidenceFile(story, message, signer)).cautions).toContain('key_not_pinned')
  })

  test('refuses a log that is not the one of their key', async () => {
    const { story, message } = tell()
    const report = verifyEvidence(await evidenceFile(story, message, stranger), pinned)
    expect(report.findings.map(({ code }) => code)).toEqual(['other_key', 'signature_missing'])
  })

  test('compares checkpoints from outside', async () => {
    const { story, message } = tell()
    const text = await evidenceFile(story, message, signer)
    const { checkpoint } = JSON.parse(text) as { checkpoint: string }
    const anchors = [{ where: 'anchor', note: checkpoint }]
    expect(verifyEvidence(text, { ...pinned, anchors })).toMatchObject({ ok: true, cautions: [] })

    const forked = {
      where: 'anchor',
      note: signedCheckpoint(
        story.bodies.map(() => Buffer.alloc(32)),
        signer,
      ),
    }
    expect(verifyEvidence(text, { ...pinned, anchors: [forked] }).findings).toEqual([
      { code: 'forked', where: 'anchor' },
    ])
    const smaller = { where: 'anchor', note: signedCheckpoint([Buffer.alloc(32)], signer) }
    expect(verifyEvidence(text, { ...pinned, anchors: [smaller] }).cautions).toEqual(['not_anchored'])
  })

  test('can ask that a witness cosigned', async () => {
    const { story, message } = tell()
    const text = await evidenceFile(story, message, signer)
    const asked = { ...pinned, witnesses: [witness.verifier] }
    expect(verifyEvidence(text, asked).findings).toEqual([
      { code: 'cosignature_missing', where: 'witness.test' },
    ])
    const file = JSON.parse(text) as { checkpoint: string }
    const line = cosign(file.checkpoint, 1_767_600_000, witness)
    const cosigned = text.replace(JSON.stringify(file.checkpoint), () =>
      JSON.stringify(file.checkpoint + line),
    )
    expect(verifyEvidence(cosigned, asked)).toMatchObject({
      ok: true,
      cautions: [],
      witnessed: [{ witness: 'witness.test', time: 1_767_600_000 }],
    })
    // Of a witness who was not asked for, nothing is known.
    expect(verifyEvidence(cosigned, pinned).cautions).toContain('signatures_unchecked')
  })

  test('tells whether a ciphertext that somebody kept is the very one: bare, in armour, in a mail', async () => {
    const { story, message, ann, toAnn } = tell()
    const text = await evidenceFile(story, message, signer)
    const bytes = Buffer.from(ciphertextOf(ann.recipient))
    const base64 = bytes.toString('base64').replace(/.{20}/g, '$&\r\n')
    const armour = (headers: string, checksum: string) =>
      Buffer.from(
        `-----BEGIN PGP MESSAGE-----\r\n${headers}\r\n${base64}\r\n${checksum}-----END PGP MESSAGE-----\r\n`,
      )
    const mail = Buffer.concat([
      Buffer.from('From: x\r\n\r\n--b\r\n\r\nVersion: 1\r\n\r\n'),
      armour('', ''),
      Buffer.from('--b--\r\n'),
    ])
    for (const kept of [bytes, armour('', '=abcd\r\n'), armour('Comment: x\r\n', ''), mail]) {
      const report = verifyEvidence(text, { ...pinned, ciphertexts: [{ where: 'kept', bytes: kept }] })
      expect(report).toMatchObject({ ok: true, ciphertexts: [{ where: 'kept', delivery: toAnn }] })
    }
    const other = Buffer.from(mail)
    other[mail.indexOf(base64.slice(0, 20))]! ^= 1
    expect(
      verifyEvidence(text, { ...pinned, ciphertexts: [{ where: 'kept', bytes: other }] }).findings,
    ).toEqual([{ code: 'ciphertext_unknown', where: 'kept' }])
  })
})

async function stateOf(story: Story, message: string): Promise<string | undefined> {
  const { ok, answers } = verifyEvidence(await evidenceFile(story, message, signer), pinned)
  expect(ok).toBe(true)
  return answers?.deliveries[0]?.state
}
