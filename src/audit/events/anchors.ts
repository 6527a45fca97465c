/** What became of the log's checkpoints outside. That an anchor took one is kept beside the log: each event makes another checkpoint. */
export type AnchorEvent =
  | {
      /** It took no checkpoint, for the first time after it had; it is tried again. */
      readonly type: 'anchor.failed'
      readonly anchor: string
      readonly reason: string
    }
  | {
      /** It takes checkpoints again. */
      readonly type: 'anchor.recovered'
      readonly anchor: string
    }
  | {
      /** It has a checkpoint that our key signed and our tree does not contain: the database was rolled back, or forked. */
      readonly type: 'anchor.ahead'
      readonly anchor: string
      /** Of our newest checkpoint. */
      readonly size: number
      readonly anchoredSize: number
    }
  | {
      /** It is no longer among the settings, and was not well when it was seen last. */
      readonly type: 'anchor.retired'
      readonly anchor: string
      readonly state: 'failing' | 'ahead'
    }
