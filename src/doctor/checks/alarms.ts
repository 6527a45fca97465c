import type { Knex } from 'knex'
import { type ActiveAlarm, alarmCatalogue, alarmsInLog } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

const day = 86_400_000

/** What the replicas have raised, as far as the audit log knows; `/readyz` of a replica knows its own. */
export function alarmChecks(knex: Knex, clock: Clock): readonly Check[] {
  return [
    {
      name: 'alarms',
      run: async () => judgeAlarms(await alarmsInLog(knex, new Date(clock.now().getTime() - day))),
    },
  ]
}

export function judgeAlarms(alarms: readonly ActiveAlarm[]): Verdict {
  const [first] = alarms
  if (first === undefined) return ok('none was raised in the last 24 hours that was not cleared')
  const found = alarms.map(({ code, since }) => `${code}, ${since.toISOString()}`).join('; ')
  const stopping = alarms.find(({ code }) => alarmCatalogue[code].stops)
  const remedy = `${alarmCatalogue[(stopping ?? first).code].remedy} A restart of the replica ends an alarm without a word.`
  return (stopping === undefined ? warn : fail)(`raised, and not cleared since: ${found}`, remedy)
}
