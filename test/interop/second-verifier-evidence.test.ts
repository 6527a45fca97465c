import { generateKeyPairSync, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { listLogKeys } from '../../src/custody/index.ts'
import { cosign, formatVerifier, leafHash, noteSigner, parseVerifier } from '../../src/tlog/index.ts'
import { type EvidenceFile } from '../../src/verifier/index.ts'
import { signedCheckpoint, testOrigin } from '../support/audit-export.ts'
import { evidenceFile, Story } from '../support/evidence-story.ts'
import { openHouse } from '../support/house.ts'
import { putOnRecord } from '../support/on-record.ts'
import { type Asked, askBoth } from './evidence-both.ts'
import { alterAt, another, longStory, oldStory, pathsOf, signedAnew, stamped } from './evidence-stories.ts'

/** The same with all that may be put otherwise. */
type Changed = Mutable<Omit<EvidenceFile, 'answers'>> & { answers: { deliveries: { history: unknown[] }[] } }
type Mutable<Value> = { -readonly [Name in keyof Value]: Mutable<Value[Name]> }

const signer = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
const stranger = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
const witness = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')
const { story, message, other } = longStory()
const text = await evidenceFile(story, message, signer)
const fileOf = (): Changed => JSON.parse(text) as Changed
const rendered = (file: unknown): string => `${JSON.stringify(file, null, 2)}\n`

const both = (content: string, more: Partial<Asked> = {}) =>
  askBoth(content, { key: signer.verifier, ...more })

async function bothFind(content: string, finding: RegExp, more: Partial<Asked> = {}) {
  const [ours, theirs] = await both(content, more)
  expect(theirs).toEqual(ours)
  expect(ours.ok).toBe(false)
  expect(ours.findings.join('\n')).toMatch(finding)
}

describe('a verifier written from docs/audit-log.md and docs/evidence.md alone finds nothing wrong with', () => {
  test('the sample of the documentation', async () => {
    const sample = readFileSync(new URL('../../docs/evidence-sample.json', import.meta.url), 'utf8')
    const key = parseVerifier((JSON.parse(sample) as EvidenceFile).key)
    const [ours, theirs] = await both(sample, { key })
    expect(ours).toEqual({ ok: true, proven: { events: 23, size: 23 }, findings: [] })
    expect(theirs).toEqual(ours)
  })

  test('what a gateway gives out', { timeout: 120_000 }, async () => {
    const house = await openHouse()
    try {
      const [known, late] = [
        await house.addRecipient('disputes@acquirer.example'),
        await house.addRecipient('late@closed.example', 1),
      ]
      for (const { address } of [known, late]) await putOnRecord(house.owner, address)
      const to = [known.address, late.address]
      const wish = { from: house.sender, to, subject: 'Refund', text: 'Card' }
      const { id } = (await house.client.post(wish)).body as { id: string }
      const tried = { attempts: [{}] }
      await expect
        .poll(async () => (await house.client.get(`/v1/messages/${id}`)).body, { timeout: 60_000 })
        .toMatchObject({ deliveries: [tried, tried] })
      const { status, text: given } = await house.client.download(`/v1/messages/${id}/evidence`)
      expect(status, given).toBe(200)
      const [{ verifier } = { verifier: '' }] = await listLogKeys(house.owner)
      const key = parseVerifier(verifier)
      const [ours, theirs] = await both(given, { key })
      expect(ours).toMatchObject({ ok: true, findings: [] })
      expect(theirs).toEqual(ours)
      await bothFind(given.replace('250 OK: message queued', '250 OK: message lost'), /./, { key })
    } finally {
      await house.close()
    }
  })

  test.each<[string, () => { story: typeof story; message: string }]>([
    ['a story of replacement, rules, quarantine, suspension and departure', longStory],
    ['one of before there were some of the fields', oldStory],
  ])('%s', async (_, tell) => {
    const told = tell()
    const [ours, theirs] = await both(await evidenceFile(told.story, told.message, signer))
    expect(ours).toMatchObject({ ok: true })
    expect(theirs).toEqual(ours)
  })

  test('what its application cancelled; another one could not have', async () => {
    const story = new Story('cancelled').open()
    const { message, deliveries } = story.accept([story.enrol('bob@acquirer.example')])
    const outcome = 'cancelled_by_application'
    const cancelled = { type: 'delivery.cancelled', delivery: deliveries[0]!, outcome } as const
    story.tell({ kind: 'application', id: story.application }, cancelled)
    const [ours, theirs] = await both(await evidenceFile(story, message, signer))
    expect(ours.ok).toBe(true)
    expect(theirs).toEqual(ours)
    story.tell({ kind: 'application', id: story.id('app') }, cancelled)
    await bothFind(await evidenceFile(story, message, signer), /event_unfit/)
  })

  test('a checkpoint that a witness signed and an anchor has', async () => {
    const file = fileOf()
    const anchor = file.checkpoint
    file.checkpoint += cosign(anchor, 1_800_000_000, witness)
    const [ours, theirs] = await both(rendered(file), { witnesses: [witness.verifier], anchor })
    expect(ours).toMatchObject({ ok: true, findings: [] })
    expect(theirs).toEqual(ours)
  })
})

/** One bit of a text of ASCII, the first six of eight so that it stays text. */
function flipped(of: string, at = randomInt(of.length)): string {
  return of.slice(0, at) + String.fromCharCode(of.charCodeAt(at) ^ (1 << randomInt(6))) + of.slice(at + 1)
}
const some = <Value>(of: readonly Value[]): Value => of[randomInt(of.length)]!
const node = (change: (octets: Buffer) => Buffer) => (file: Changed) => {
  const { proof } = some(file.events)
  proof[randomInt(proof.length)] = change(Buffer.alloc(32, 7)).toString('base64')
}
const line = (at: number, change: (line: string) => string) => (file: Changed) => {
  const lines = file.checkpoint.split('\n')
  lines[at] = change(lines[at] ?? '')
  file.checkpoint = lines.join('\n')
}
/** Flips in the midst, where every bit of base64 counts. */
const bit = (said: string): string => {
  const at = said.length >> 1
  return said.slice(0, at) + (said[at] === 'A' ? 'B' : 'A') + said.slice(at + 1)
}
const foreign = parseVerifier('mail.example/audit-log+aabc45a3+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c')

describe('both find the same wrong with', () => {
  test.each<[string, RegExp, (file: Changed) => unknown]>([
    ['a bit of a body', /^event_altered/, ({ events }) => (some(events).body = flipped(some(events).body))],
    ['a name in a body', /^event_altered/, ({ events: [e] }) => (e!.body = e!.body.replace('ada', 'eve'))],
    ['a space in a body', /event_not_canonical/, ({ events: [e] }) => (e!.body = e!.body.replace(':', ': '))],
    ['a body that is none', /event_not_canonical/, ({ events: [e] }) => (e!.body = 'none')],
    ['two bodies, each in the place of the other', /^event_altered/, swapBodies],
    ['a node of a proof', /^event_altered/, node(octets => octets)],
    ['a short node', /^event_altered/, node(octets => octets.subarray(1))],
    ['a node that is no base64', /^event_altered/, ({ events: [e] }) => (e!.proof[0] = '?')],
    ['a proof cut short', /^event_altered/, ({ events: [e] }) => e!.proof.pop()],
    ['a proof made longer at its top', /^event_altered/, ({ events: [e] }) => e!.proof.push(e!.proof[0]!)],
    [
      'a proof made longer at its foot',
      /^event_altered/,
      ({ events: [e] }) => e!.proof.unshift(e!.proof[0]!),
    ],
    ['a proof in another order', /^event_altered/, ({ events: [e] }) => e!.proof.reverse()],
    ['no proof', /^event_altered/, ({ events: [e] }) => (e!.proof = [])],
    ['the origin', /signature_/, line(0, () => 'other.test/audit-log')],
    ['the size', /signature_/, line(1, size => String(Number(size) + 1))],
    ['the root', /signature_/, line(2, bit)],
    ['the signature', /signature_/, line(4, bit)],
    ['no signature', /checkpoint_malformed/, line(4, () => '')],
    ['no checkpoint', /checkpoint_malformed/, file => (file.checkpoint = '')],
    ['a checkpoint of the very key, of another tree', /^event_altered/, otherTree],
    ['the signature of another key', /signature_/, signedByStranger],
    ['another key', /^other_key/, file => (file.key = formatVerifier(foreign))],
    ['a key that is none', /^evidence_malformed key/, file => (file.key = 'none')],
    ['an event dropped', /^event_missing/, ({ events }) => events.shift()],
    ['an event that none asks for dropped', /^answers_wrong/, dropped('possession.challenged')],
    ['an attempt dropped', /^answers_wrong/, dropped('delivery.deferred')],
    ['an event twice', /^event_misplaced/, ({ events }) => events.splice(3, 0, events[3]!)],
    ['events in another order', /^event_misplaced/, ({ events }) => events.reverse()],
    ['an event under another leaf', /^event_altered/, ({ events }) => (events.at(-1)!.leaf -= 1)],
    ['a leaf after the last', /^event_altered/, ({ events }) => (events.at(-1)!.leaf = 10_000)],
    ['a leaf before the first', /event_misplaced/, ({ events: [e] }) => (e!.leaf = -1)],
    ['no event', /^event_missing/, file => (file.events = [])],
    ['another message', /^event_missing/, file => (file.message = other)],
    ['a reply', /^event_missing/, ({ replies }) => (replies[0] = `${replies[0] ?? ''}!`)],
    ['a reply dropped', /^event_missing/, ({ replies }) => replies.pop()],
    ['a reply that nobody gave', /^reply_foreign/, ({ replies }) => replies.push('550 5.1.1 no')],
    ['a reply twice', /^reply_foreign/, ({ replies }) => replies.push(replies.at(-1)!)],
    ['replies in another order', /^reply_foreign/, ({ replies }) => replies.reverse()],
    ['no answers', /^answers_wrong/, file => Object.assign(file, { answers: null })],
    ['an answer too many', /^answers_wrong/, ({ answers }) => Object.assign(answers, { more: 1 })],
    ['a delivery dropped', /^answers_wrong/, ({ answers }) => answers.deliveries.pop()],
    ['deliveries in another order', /^answers_wrong/, ({ answers }) => answers.deliveries.reverse()],
    ['a step dropped', /^answers_wrong/, ({ answers }) => answers.deliveries[0]!.history.shift()],
    ['another format', /^evidence_malformed/, file => Object.assign(file, { format: 'sealpost-evidence/2' })],
    ['a member too many', /^evidence_malformed/, file => Object.assign(file, { more: 1 })],
    ['a leaf that is text', /^evidence_malformed/, ({ events }) => Object.assign(events[0]!, { leaf: '0' })],
    ['members in another order', /^evidence_malformed/, ({ events }) => (events[0] = turned(events[0]!))],
  ])('%s', async (_, finding, alter) => {
    const file = fileOf()
    alter(file)
    await bothFind(rendered(file), finding)
  })

  test.each([
    ['a space', text.replace('": ', '":  ')],
    ['no line end', text.trimEnd()],
    ['a member twice', text.replace('{', '{\n  "format": "sealpost-evidence/1",')],
    ['half of it', text.slice(0, text.length / 2)],
    ['nothing', ''],
    ['JSON of something else', '[]\n'],
  ])('the text: %s', (_, altered) => bothFind(altered, /^evidence_malformed file/))

  test('any bit of the file', async () => {
    const sections = ['"answers"', '"checkpoint"', '"key"', '"events"', '"replies"'].map(name =>
      text.indexOf(name),
    )
    for (let times = 0; times < 20; times += 1)
      await bothFind(flipped(text, randomInt(some(sections), text.length)), /./)
  })

  test('a witness who did not sign, or not this, and an anchor that has another tree', async () => {
    const asked = { witnesses: [witness.verifier] }
    await bothFind(text, /^cosignature_missing witness\.test$/, asked)
    const file = fileOf()
    file.checkpoint += cosign(signedCheckpoint([Buffer.alloc(32)], signer), 1_800_000_000, witness)
    await bothFind(rendered(file), /^cosignature_missing witness\.test$/, asked)
    const hashes = story.bodies.map(() => Buffer.alloc(32))
    await bothFind(text, /^forked/, { anchor: signedCheckpoint(hashes, signer) })
  })

  test('any kind of value in the answers', { timeout: 240_000 }, async () => {
    const kinds = new Map<string, readonly string[]>()
    for (const path of pathsOf(fileOf().answers))
      kinds.set(
        path
          .filter(name => !/^\d+$/.test(name))
          .slice(-2)
          .join('.'),
        path,
      )
    expect(kinds.size).toBeGreaterThan(60)
    for (const path of kinds.values()) {
      const file = fileOf()
      alterAt(file.answers, path)
      await bothFind(rendered(file), /^answers_wrong answers$/)
    }
  })
})

describe('of what somebody with the log’s key made, both say the same:', () => {
  const leaves = fileOf().events.map(({ leaf }) => leaf)
  const agree = async (bodies: readonly string[], chosen: readonly number[], what: string) => {
    const [ours, theirs] = await both(await signedAnew(fileOf(), bodies, chosen, signer))
    expect.soft(theirs, what).toEqual(ours)
    return ours
  }
  const eventOf = (leaf: number) => JSON.parse(story.bodies[leaf] ?? '') as Record<string, unknown>
  const ofEachType = (of: readonly number[]) => new Map(of.map(leaf => [String(eventOf(leaf)['type']), leaf]))

  test('an event of each type left out', { timeout: 240_000 }, async () => {
    for (const [type, leaf] of ofEachType(leaves))
      await agree(
        story.bodies,
        leaves.filter(each => each !== leaf),
        type,
      )
  })

  test('an event of each type of another story', { timeout: 240_000 }, async () => {
    const foreign = ofEachType(story.bodies.map((_, leaf) => leaf).filter(leaf => !leaves.includes(leaf)))
    expect(foreign.size).toBeGreaterThan(3)
    for (const [type, leaf] of foreign) {
      const { findings } = await agree(
        story.bodies,
        [...leaves, leaf].sort((a, b) => a - b),
        type,
      )
      expect(findings, type).toEqual([`event_foreign leaf ${leaf}`])
    }
  })

  test('an event of each type that came first of all, or last', { timeout: 400_000 }, async () => {
    const all = story.bodies.map((body, leaf) => ({ body, isTaken: leaves.includes(leaf) }))
    for (const [type, leaf] of ofEachType(leaves))
      for (const to of [0, all.length - 1]) {
        const moved = all.toSpliced(leaf, 1).toSpliced(to, 0, all[leaf]!)
        const chosen = moved.flatMap(({ isTaken }, at) => (isTaken ? [at] : []))
        // By leaf and by the clock; or by leaf alone, as replicas commit.
        const bodies = moved.map(({ body }, at) => (to === 0 ? stamped(body, at) : body))
        await agree(bodies, chosen, `${type} at ${to}`)
      }
  })

  test('each member of each type of event, altered', { timeout: 400_000 }, async () => {
    const members = new Map<string, [number, string]>()
    for (const [type, leaf] of ofEachType(leaves))
      for (const name of Object.keys(eventOf(leaf)))
        if (!['deliveries', 'id', 'salt', 'tls', 'type'].includes(name))
          members.set(`${type} ${name}`, [leaf, name])
    const codes = new Set<string>()
    for (const [what, [leaf, name]] of members) {
      const event = eventOf(leaf)
      event[name] = name === 'actor' ? { kind: 'host' } : another(event[name])
      const { findings } = await agree(story.bodies.with(leaf, JSON.stringify(event)), leaves, what)
      for (const found of findings) codes.add(found.split(' ')[0] ?? '')
    }
    expect([...codes].sort()).toEqual(['event_foreign', 'event_missing', 'event_unfit', 'reply_foreign'])
  })
})

function swapBodies({ events: [a, b] }: Changed): void {
  if (a !== undefined && b !== undefined) [a.body, b.body] = [b.body, a.body]
}

function otherTree(file: Changed): void {
  file.checkpoint = signedCheckpoint(
    story.bodies.map(() => Buffer.alloc(32)),
    signer,
  )
}

function signedByStranger(file: Changed): void {
  file.checkpoint = signedCheckpoint(
    story.bodies.map(body => leafHash(body)),
    stranger,
  )
}

function dropped(type: string) {
  return ({ events }: Changed): void => {
    events.splice(
      events.findIndex(({ body }) => body.includes(`"type":"${type}"`)),
      1,
    )
  }
}

function turned({ leaf, body, proof }: Changed['events'][number]) {
  return { proof, body, leaf }
}
