import fc from 'fast-check'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId, systemClock } from '../../src/kernel/index.ts'
import { PostgresError } from '../../src/platform/index.ts'
import { invited, next, type Standing, type Step } from '../../src/recipients/enrolment.ts'
import { openRooms, type Rooms } from '../access/support.ts'
import { twoOperators } from '../support/operators.ts'
import { insertProposal } from '../support/proposals.ts'

const steps: readonly Step[] = [
  'propose',
  'prove',
  'verify',
  'approve',
  'certify',
  'activate',
  'drop',
  'suspend',
  'reinstate',
  'unenrol',
]
/** Steps at random, and now and then the right ones in their order, so that walks get somewhere. */
const path = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...steps).map(step => [step]) },
      { weight: 1, arbitrary: fc.constant<Step[]>(['propose', 'prove', 'verify', 'approve', 'activate']) },
      { weight: 1, arbitrary: fc.constant<Step[]>(['propose', 'prove', 'certify', 'activate']) },
    ),
    { maxLength: 20 },
  )
  .map(parts => parts.flat())

/** The steps of `walk` that the machine takes, in order, with where each led. */
function taken(walk: readonly Step[]): { step: Step; standing: Standing }[] {
  const done: { step: Step; standing: Standing }[] = []
  let standing = invited
  for (const step of walk) {
    try {
      standing = next(standing, step)
      done.push({ step, standing })
    } catch (error) {
      expect(error).toMatchObject({ code: 'state_conflict' })
    }
  }
  return done
}

test('no path to an activated certificate skips a step', () => {
  let activations = 0
  fc.assert(
    fc.property(path, walk => {
      const done = taken(walk).filter(({ step }) => !['suspend', 'reinstate'].includes(step))
      done.forEach(({ step }, i) => {
        if (step !== 'activate') return
        activations++
        const before = done.slice(0, i).map(one => one.step)
        const whole = ['propose', 'prove', 'verify', 'approve']
        const certified = ['propose', 'prove', 'certify']
        expect([whole, certified]).toContainEqual(before.slice(before.lastIndexOf('propose')))
        // Only who has an active certificate can have a new one certified by it.
        if (before.at(-1) === 'certify') expect(before).toContain('approve')
      })
    }),
    { numRuns: 5_000, seed: 3 },
  )
  // The walks that this is about did happen.
  expect(activations).toBeGreaterThan(50)
})

test('nobody is active without an activation, and nobody comes back from unenrolment', () => {
  fc.assert(
    fc.property(path, walk => {
      let activated = false
      let ended = false
      for (const { step, standing } of taken(walk)) {
        activated ||= step === 'activate'
        if (standing.recipient === 'active' || standing.recipient === 'suspended')
          expect(activated).toBe(true)
        if (ended) expect.fail('a step after unenrolment')
        ended = standing.recipient === 'unenrolled'
      }
    }),
    { numRuns: 5_000, seed: 4 },
  )
})

let rooms: Rooms
let gateway: Knex
let asker: string
let decider: string
beforeAll(async () => {
  rooms = await openRooms()
  gateway = rooms.gateway
  const { admin, approver } = await twoOperators(rooms.owner)
  asker = admin.operator.id
  decider = approver.operator.id
})
afterAll(() => rooms.close())

const proposalStates = ['proposed', 'proved', 'verified', 'approved', 'activated', 'dropped'] as const
const recipientStates = ['invited', 'active', 'suspended', 'unenrolled'] as const
type Write =
  | { readonly to: (typeof proposalStates)[number] }
  | { readonly recipient: (typeof recipientStates)[number] }
  | { readonly certificate: 'insert' }

/** Random statements of the gateway's role, as code with every possible mistake would write them. */
const writes = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...proposalStates).map((to): Write => ({ to })) },
    { weight: 3, arbitrary: fc.constantFrom(...recipientStates).map((recipient): Write => ({ recipient })) },
    { weight: 3, arbitrary: fc.constant<Write>({ certificate: 'insert' }) },
  ),
  { minLength: 5, maxLength: 30 },
)
/** Most walks get somewhere: the right statements, with some of the others in between. */
const straight: readonly Write[] = [
  { to: 'proved' },
  { to: 'verified' },
  { to: 'approved' },
  { certificate: 'insert' },
  { to: 'activated' },
  { recipient: 'active' },
]
const led = fc
  .array(
    fc.tuple(
      fc.nat(straight.length - 1),
      writes.map(walk => walk.slice(0, 2)),
    ),
    { maxLength: 4 },
  )
  .map(detours =>
    straight.flatMap((write, i) => [
      ...detours.filter(([place]) => place === i).flatMap(([, walk]) => walk),
      write,
    ]),
  )

test('the database refuses what the machine would not do, whatever the gateway writes', async () => {
  let activated = 0
  await fc.assert(
    fc.asyncProperty(fc.oneof(writes, led), async walk => {
      const recipient = newId('rcp', systemClock)
      const address = `${recipient}@bank.test`
      const organisation = 'o'
      const row = { id: recipient, address, organisation, kind: 'customer', created_at: new Date() }
      await gateway('recipients').insert({ ...row, state: 'invited' })
      const proposal = await insertProposal(rooms.owner, recipient)
      const seen: string[] = ['proposed']
      let state = 'invited'
      let certificate = false
      for (const write of walk) {
        const accepted = await attempt(write, recipient, proposal)
        if ('to' in write && accepted && write.to !== seen.at(-1)) seen.push(write.to)
        if ('recipient' in write && accepted) {
          if (write.recipient === 'active') expect(certificate).toBe(true)
          if (state === 'unenrolled') expect(write.recipient).toBe('unenrolled')
          if (state === 'suspended') expect(write.recipient).not.toBe('active')
          state = write.recipient
        }
        if ('certificate' in write && accepted) {
          expect(seen).toEqual(['proposed', 'proved', 'verified', 'approved'])
          certificate = true
        }
      }
      const whole = 'proposed proved verified approved activated'
      const way = seen.filter(to => to !== 'dropped').join(' ')
      expect(whole.startsWith(way) || way === 'proposed proved approved').toBe(true)
      if (seen.includes('dropped')) expect(seen.at(-1)).toBe('dropped')
      if (certificate) activated++
    }),
    { numRuns: 60, seed: 5 },
  )
  expect(activated).toBeGreaterThan(3)
})

/** Whether PostgreSQL took it. Columns are filled as the step would. */
async function attempt(
  write: Write,
  recipient: string,
  proposal: Awaited<ReturnType<typeof insertProposal>>,
): Promise<boolean> {
  try {
    await gateway.transaction(async trx => {
      if ('recipient' in write) {
        const suspended_for = write.recipient === 'suspended' ? 'operator' : null
        await trx('recipients').where({ id: recipient }).update({ state: write.recipient, suspended_for })
      } else if ('certificate' in write) {
        await trx('certificates').insert({
          fingerprint: proposal.fingerprint,
          recipient_id: recipient,
          bytes: Buffer.from(proposal.bytes),
          encryption_subkey: proposal.encryptionSubkey,
          algorithm: proposal.algorithm,
          format: proposal.format,
          state: 'active',
          accepted_at: new Date(),
          proposal_id: proposal.id,
        })
      } else
        await trx('proposals')
          .where({ id: proposal.id })
          .update(await columnsFor(trx, write.to, recipient))
    })
    return true
  } catch (error) {
    if (error instanceof PostgresError && ['23514', '23505', '42501'].includes(error.code)) return false
    throw error
  }
}

async function columnsFor(
  trx: Knex,
  to: (typeof proposalStates)[number],
  recipient: string,
): Promise<object> {
  const at = new Date()
  switch (to) {
    case 'proposed':
      return { state: to }
    case 'proved':
      return { state: to, proved_at: at }
    case 'verified':
      return { state: to, verified_at: at, verified_by: asker, verified_means: 'phone' }
    case 'approved': {
      const id = newId('chg', systemClock)
      const change = { id, kind: 'recipient.activate', subject: recipient, body: '{}', state: 'pending' }
      const expires_at = new Date(at.getTime() + 60_000)
      await trx('change_requests').insert({ ...change, asked_by: asker, asked_at: at, expires_at })
      const decided = { state: 'approved', decided_by: decider, decided_at: at }
      await trx('change_requests').where({ id }).update(decided)
      return { state: to, approved_at: at, activates_at: at, change_request: id }
    }
    case 'activated':
      return { state: to, activated_at: at }
    case 'dropped':
      return { state: to, dropped_at: at, dropped_for: 'rejected' }
  }
}
