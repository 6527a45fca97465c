import { syslogFailureOf } from '../../platform/syslog/index.ts'
import { type Anchor, AnchorError, type AnchorFailure } from '../anchors/index.ts'
import { checkpointMessage } from './message.ts'
import { connectSiem, receiverName, type Siem } from './receiver.ts'

/**
 * Keeps checkpoints in the SIEM, each as a message of its own (MSGID `checkpoint`). It answers nothing that proves anything;
 * what it has is looked for there.
 */
export function openSyslogAnchor(siem: Siem): Anchor {
  return {
    name: `syslog:${receiverName(siem.receiver())}`,
    async anchor(checkpoint) {
      try {
        const connection = await connectSiem(siem)
        try {
          await connection.send([checkpointMessage(checkpoint, siem.origin)])
          await connection.confirm()
        } finally {
          connection.close()
        }
      } catch (error) {
        throw new AnchorError(reasons[syslogFailureOf(error)], error)
      }
      return undefined
    },
  }
}

const reasons = {
  connect_failed: 'connect_failed',
  not_authenticated: 'not_authenticated',
  refused_by_receiver: 'connection_lost',
  connection_lost: 'connection_lost',
  spoke: 'content_refused',
  timed_out: 'timeout',
  not_confirmed: 'connection_lost',
  error: 'error',
} as const satisfies Record<ReturnType<typeof syslogFailureOf>, AnchorFailure>
