import type { Knex } from 'knex'
import { type AnchorHealth, anchorHealth, parseWitness } from '../../audit-log/index.ts'
import type { Config } from '../../config/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { policyInForce } from '../../policy/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

/** Whether somebody outside knows the audit log, as the settings and the policy in force want it. */
export function anchorChecks(knex: Knex, config: Config, clock: Clock): readonly Check[] {
  const { directory, witnesses = [] } = config.anchors ?? {}
  const configured = [directory, config.syslog, ...witnesses].filter(anchor => anchor !== undefined).length
  return [
    {
      name: 'anchors',
      async run() {
        witnesses.forEach(parseWitness)
        const adopted = await policyInForce(knex, clock.now())
        const quorum = adopted?.policy.evidence.anchors ?? 0
        return judgeAnchors(configured, quorum, await anchorHealth(knex))
      },
    },
  ]
}

export function judgeAnchors(configured: number, quorum: number, health: readonly AnchorHealth[]): Verdict {
  const ahead = health.filter(({ state }) => state === 'ahead').map(({ anchor }) => anchor)
  if (ahead.length > 0) {
    return fail(
      `a larger or another log is known to: ${ahead.join(', ')}`,
      'The database was rolled back or forked. Nothing is sent; see docs/anchors.md.',
    )
  }
  if (configured < quorum) {
    return fail(
      `${configured} anchors; the crypto policy in force wants ${quorum} before there is evidence`,
      'Set SEALPOST_ANCHOR_DIRECTORY, SEALPOST_WITNESSES or SEALPOST_SYSLOG_HOST.',
    )
  }
  if (configured === 0) {
    return warn(
      'nobody outside knows the audit log: its end could be cut off unseen',
      'Set SEALPOST_ANCHOR_DIRECTORY, SEALPOST_WITNESSES or SEALPOST_SYSLOG_HOST; see docs/anchors.md.',
    )
  }
  const failing = health.filter(({ state }) => state === 'failing')
  if (failing.length > 0) {
    const said = failing.map(
      ({ anchor, reason, since }) => `${anchor}: ${reason} since ${since.toISOString()}`,
    )
    return warn(said.join('; '), 'Look there; docs/anchors.md says what each word means.')
  }
  const taken = health.map(({ anchor, newest }) => `${anchor} has ${newest?.size ?? 0} leaves`)
  return ok(taken.join('; ') || `${configured} among the settings; no gateway has run with them yet`)
}
