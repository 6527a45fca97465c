import { catalogue } from '../../audit/index.ts'
import type { SyslogMessage } from '../../platform/syslog/index.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { LoggedEvent } from '../leaves.ts'

/** SD-ID of our structured data. 32473 is the number that is kept for examples (RFC 5612): we have none of our own. */
export const element = 'sealpost@32473'

/**
 * An event as a syslog message: its canonical JSON is the text, unchanged, so that whoever receives it can compute the
 * hash of the leaf. The same event always gives the same message.
 */
export function eventMessage({ leaf, id, type, at, body }: LoggedEvent, origin: string): SyslogMessage {
  const { result } = catalogue[type]
  return {
    severity: severityOf(type, result),
    at,
    id: type,
    data: { origin, leaf: String(leaf), id, result },
    text: body,
  }
}

/** A checkpoint likewise: the signed note stands in a JSON string, for line ends do not survive syslog. */
export function checkpointMessage({ size, note, at }: Checkpoint, origin: string): SyslogMessage {
  return {
    severity: 'informational',
    at,
    id: 'checkpoint',
    data: { origin, size: String(size) },
    text: JSON.stringify({ checkpoint: note }),
  }
}

function severityOf(type: LoggedEvent['type'], result: 'success' | 'failure'): SyslogMessage['severity'] {
  if (type === 'alarm.raised' || type === 'anchor.ahead') return 'alert'
  return result === 'failure' ? 'warning' : 'informational'
}
