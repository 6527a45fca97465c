import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  findChangeRequest,
  issueSignInLink,
  type Operator,
  type OperatorRole,
  openApprovals,
  operatorOf,
  revokeOperator,
  signIn,
} from '../../src/access/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { signedInOperator } from '../support/operators.ts'
import { applyAll, ask, openRooms, outcome, type Rooms } from './support.ts'

let rooms: Rooms
beforeAll(async () => {
  rooms = await openRooms()
  await rooms.owner.raw('CREATE TABLE applied (change text, approver text)')
  await rooms.owner.raw('GRANT INSERT ON applied TO sealpost_gateway')
})
afterAll(() => rooms.close())

const acts = ['approve', 'reject', 'withdraw', 'ask', 'sign in', 'issue', 'revoke'] as const
const who = ['asker', 'approver', 'both'] as const

const step = fc.tuple(fc.constantFrom(...acts), fc.constantFrom(...who))

/** What may come of any of these, at any time. A deadlock (40P01) or an error of the database is not among it. */
const answers = new Set([
  'done',
  'state_conflict',
  'own_request',
  'role_missing',
  'sign_in_required',
  'link_invalid',
  'not_found',
])

test('whatever people do at once: at most one decision, by somebody else, applied once; no deadlock', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async steps => {
      const person = async (...roles: readonly OperatorRole[]) =>
        (await signedInOperator(rooms.owner, roles)).operator
      const people = {
        asker: await person('admin'),
        approver: await person('approver'),
        both: await person('admin', 'approver'),
      }
      const { id } = await ask(rooms.gateway, people.asker)
      const links = new Map<Operator, string>()
      for (const operator of Object.values(people)) {
        links.set(operator, (await issueSignInLink(rooms.owner, systemClock, operator.name)).token)
      }
      // Applying an approved change asks for another, in the name of the first one's asker: a reference in each direction.
      const approvals = openApprovals({
        knex: rooms.gateway,
        clock: systemClock,
        apply: applyAll(async (trx, change, by) => {
          await trx('applied').insert({ change: change.id, approver: by.id })
          await ask(trx, people.asker)
        }),
      })
      const sessions: { operator: Operator; session: string }[] = []
      const act = async (what: (typeof acts)[number], operator: Operator): Promise<unknown> => {
        switch (what) {
          case 'approve':
          case 'reject':
          case 'withdraw':
            return approvals[what](operator, id)
          case 'ask':
            return ask(rooms.gateway, operator)
          case 'sign in':
            return sessions.push(await signIn(rooms.gateway, systemClock, links.get(operator) ?? ''))
          case 'issue':
            return issueSignInLink(rooms.owner, systemClock, operator.name)
          case 'revoke':
            return revokeOperator(rooms.owner, systemClock, operator.name)
        }
      }
      const outcomes = await Promise.all(steps.map(([what, name]) => outcome(act(what, people[name]))))
      expect(outcomes.filter(code => !answers.has(code))).toEqual([])

      const request = await findChangeRequest(rooms.gateway, id)
      const applied = await rooms.owner('applied').where({ change: id }).pluck<string[]>('approver')
      expect(applied).toEqual(request.state === 'approved' ? [request.decidedBy] : [])
      if (request.state === 'approved') expect(request.decidedBy).not.toBe(request.askedBy)

      const gone = new Set(
        steps.filter(([what]) => what === 'revoke').map(([, name]) => people[name].id as string),
      )
      for (const { operator, session } of sessions) {
        expect(await outcome(operatorOf(rooms.gateway, systemClock, session))).toBe(
          gone.has(operator.id) ? 'sign_in_required' : 'done',
        )
      }
      const waiting = await rooms
        .owner('change_requests')
        .where({ state: 'pending' })
        .whereIn('asked_by', [...gone])
      expect(waiting).toEqual([])
    }),
    { numRuns: 40 },
  )
}, 120_000)
