interface AlarmEntry {
  /** What it says, in one sentence. */
  readonly means: string
  readonly remedy: string
  /** Whether the replica is not ready while it lasts: it takes no message and sends none. */
  readonly stops: boolean
  /** Why it stops the replica, or does not. */
  readonly because: string
}

/** Every alarm. `docs/alarms.md` is generated from here. */
export const alarmCatalogue = {
  audit_append_failed: {
    means: 'An event could not be written to the audit log, so its effect did not happen either.',
    remedy:
      'Look at PostgreSQL: is it there, has its disk room, may the role sealpost_gateway INSERT into audit_events? The gateway tries each second and goes on by itself.',
    stops: true,
    because: 'what a mail server was sent could not be recorded any more',
  },
  audit_event_refused: {
    means:
      'An event held what looks like a card number, or something else that has no place in the log, and was refused with its effect.',
    remedy:
      'Report it: the error `internal_error` of the same moment in the log of the replica names the field, never its value. It ends a day after the last such event.',
    stops: false,
    because: 'only what caused the event did not happen; one bad request must not stop everybody',
  },
  audit_log_inconsistent: {
    means:
      'What the database holds of the audit log does not agree with the last signed checkpoint, so nothing more is signed.',
    remedy:
      'Treat it as tampering until you know better: keep the database as it is, run `sealpost audit verify` on an export, compare with the anchors. It ends only by a restart, when the log agrees again.',
    stops: true,
    because: 'what happens from now on would stand in a log that nobody can trust',
  },
  audit_log_behind: {
    means: 'Events have waited for over ten seconds to be taken into the signed log.',
    remedy:
      'After a time without an unsealed replica it ends by itself. Else look for a transaction that was left open in any database of that PostgreSQL (pg_stat_activity, pg_prepared_xacts), and at the log of the replica.',
    stops: false,
    because: 'events are still written, and no effect happens without them',
  },
  anchor_unreachable: {
    means: 'An anchor did not take the checkpoint of the last minutes.',
    remedy:
      'Look at the anchor: its directory, witness or syslog server, and the way there. `sealpost doctor` says why; docs/anchors.md what that means.',
    stops: false,
    because:
      'the log is whole, only not yet known outside; a policy may demand more before evidence is issued',
  },
  anchor_ahead: {
    means:
      'An anchor knows a checkpoint that this database does not hold: the database is older than what was anchored.',
    remedy:
      'Was a backup restored? Restore a later one, or declare the loss: keep the anchored checkpoints, and see docs/anchors.md.',
    stops: true,
    because: 'a database put back to yesterday would accept and send again what is already sent',
  },
  stream_behind: {
    means: 'An event has waited for over ten minutes to arrive at the SIEM.',
    remedy:
      'Look at the syslog server and the way there (`sealpost doctor`). Nothing is lost: the stream goes on where it was.',
    stops: false,
    because: 'the events are in the log; only their copy is late',
  },
  clock_wrong: {
    means:
      'The clocks of this replica and of PostgreSQL differ by more than two seconds, or the clock of the replica jumped.',
    remedy: 'Look at the time service (chrony, NTP) of the replica and of the host of PostgreSQL.',
    stops: false,
    because:
      'the order of the log is its leaf number, not the time; stopping would let anyone who turns a clock stop the mail',
  },
} as const satisfies Record<string, AlarmEntry>

export type AlarmCode = keyof typeof alarmCatalogue
