/** The copy of the log that goes to a SIEM. That events arrived there is kept beside the log: each event makes another message. */
export type StreamEvent =
  | {
      /** A receiver took events of this log for the first time. */
      readonly type: 'stream.started'
      /** Host and port. */
      readonly receiver: string
      /** The first leaf that it was given. */
      readonly leaf: number
    }
  | {
      /** There is no receiver among the settings any more. */
      readonly type: 'stream.stopped'
      readonly receiver: string
      /** The first leaf that it was not given. */
      readonly leaf: number
    }
  | {
      /** It did not take what it was given, for the first time after it had; it is tried again. Told at most every ten minutes. */
      readonly type: 'stream.failed'
      readonly receiver: string
      /** Why, as `platform/syslog` names it. */
      readonly reason: string
      readonly leaf: number
    }
  | {
      /** It takes events again. */
      readonly type: 'stream.recovered'
      readonly receiver: string
      readonly leaf: number
    }
