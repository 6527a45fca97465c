/** The log itself: its checkpoints' key, its anchors, who read it, what left it, and alarms. */
export type LogEvent = {
  /** The key that signs checkpoints; what it signs begins after this event. */
  readonly type: 'log.key.generated'
  /** The key as a verifier takes it (C2SP signed-note verifier key). */
  readonly verifier: string
}
