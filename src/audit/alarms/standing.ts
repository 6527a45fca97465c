import type { Knex } from 'knex'
import { lastAlarmEvents } from '../store.ts'
import { type AlarmCode, alarmCatalogue } from './catalogue.ts'
import type { ActiveAlarm } from './open.ts'

/**
 * Alarms that some replica raised since then and none cleared, as the log has it. A replica that was started anew forgets its
 * alarms, so one may be in here that is over; one that could not be recorded is not.
 */
export async function alarmsInLog(knex: Knex, since: Date): Promise<readonly ActiveAlarm[]> {
  const events = await lastAlarmEvents(knex, since)
  return events.flatMap(({ alarm, type, at }) =>
    type === 'alarm.raised' && Object.hasOwn(alarmCatalogue, alarm)
      ? [{ code: alarm as AlarmCode, since: at }]
      : [],
  )
}
