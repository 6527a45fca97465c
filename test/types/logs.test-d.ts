import { test } from 'vitest'
import type { AuditEvent } from '../../src/audit/index.ts'
import type { Plaintext } from '../../src/kernel/index.ts'
import type { LogEvent, Logger } from '../../src/platform/index.ts'

declare const log: Logger
declare const body: Plaintext
declare const text: string

test('text from elsewhere does not fit a log line', () => {
  // @ts-expect-error: an event is fixed in the code
  log.info(text)
  // @ts-expect-error: there is no field for text
  log.info('task-done', { text })
  // @ts-expect-error: nor for a body under a known name
  log.info('task-done', { code: body })
  // @ts-expect-error: nor for an object
  log.info('task-done', { code: { text } })
  // @ts-expect-error: an event is lower-case
  const event: LogEvent = 'Task-done'
  return event
})

test('text from elsewhere does not fit an audit event', () => {
  // @ts-expect-error: there is no such event
  const unknown: AuditEvent = { type: 'note', text }
  // @ts-expect-error: a stop has no further field
  const wider: AuditEvent = { type: 'gateway.stopped', text }
  // @ts-expect-error: a body is no reason
  const filled: AuditEvent = { type: 'client.refused', reason: body }
  return [unknown, wider, filled]
})
