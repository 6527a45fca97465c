import type { MessageId } from '../../kernel/index.ts'
import type { AlarmCode } from '../alarms/catalogue.ts'

/** The log itself: its checkpoints' key, its anchors, who read it, what left it, and alarms. */
export type LogEvent =
  | {
      /** The key that signs checkpoints; what it signs begins after this event. */
      readonly type: 'log.key.generated'
      /** The key as a verifier takes it (C2SP signed-note verifier key). */
      readonly verifier: string
    }
  | {
      /** Of a replica: it began, or ended, to take events into the log and to sign checkpoints. */
      readonly type: 'log.started' | 'log.stopped'
      /** How many leaves the log had then. */
      readonly size: number
    }
  | { readonly type: 'alarm.raised' | 'alarm.cleared'; readonly alarm: AlarmCode }
  | {
      /** The clock of a replica was compared and found wrong; told again each hour while it is. */
      readonly type: 'clock.wrong'
      /** `database`: against the clock of PostgreSQL; `jump`: against time that passed by the monotonic clock. */
      readonly against: 'database' | 'jump'
      /** How far the replica's clock is ahead; negative when it is behind. */
      readonly differenceMs: number
    }
  | {
      /** The report of a day was made and mailed to the auditors. */
      readonly type: 'review.reported'
      /** YYYY-MM-DD, UTC. */
      readonly day: string
      /** Of the report as Markdown. */
      readonly sha256: string
    }
  | {
      /** Somebody was given the evidence of a message. */
      readonly type: 'evidence.issued'
      readonly message: MessageId
      /** Of the checkpoint that it is under. */
      readonly size: number
      /** Of the file. */
      readonly sha256: string
    }
  | {
      /** Events left the gateway: as a directory for the verifier, or as the file of a search. Recorded before the first byte leaves. */
      readonly type: 'audit.exported'
      readonly as: 'directory' | 'csv' | 'json'
      /** How many leaves the log had: all there is to know of it up to then. */
      readonly size: number
      /** Of the leaves from `first` up to but not including `next`. */
      readonly first: number
      readonly next: number
      /** Not all events of these leaves, but those that something was asked of. */
      readonly filtered: boolean
      readonly events: number
    }
  | {
      /** Events went into an archive that was verified; they leave the database, their leaves stay. */
      readonly type: 'audit.archived'
      /** The leaves from `first` up to but not including `next`. */
      readonly first: number
      readonly next: number
      /** Of the archive's files of events, one after the other. */
      readonly sha256: string
      /** Of the checkpoint that the archive is under. */
      readonly size: number
    }
