import type { Knex } from 'knex'
import { listDestinations } from '../delivery/index.ts'
import type { Check } from '../doctor/index.ts'
import { withProbe } from './open-probe.ts'

// Together; each holds a connection or two for some seconds.
const atOnce = 4

/** Probes every domain that has a rule, as `destination probe` does, and gives what was found as checks that are done. */
export function probeDestinations(knex: Knex): Promise<readonly Check[]> {
  return withProbe(knex, async probe => {
    const domains = (await listDestinations(knex)).map(({ domain }) => domain)
    const done: Check[] = []
    for (let next = 0; next < domains.length; next += atOnce) {
      const group = domains.slice(next, next + atOnce)
      done.push(
        ...(await Promise.all(
          group.map(async (domain): Promise<Check> => {
            const { verdict } = await probe(domain)
            const found = `${domain}: ${verdict.summary}`
            const remedy = verdict.advice[0] ?? `Look with \`sealpost destination probe ${domain}\`.`
            return {
              name: 'destination',
              run: () => (verdict.ok ? { verdict: 'ok', found } : { verdict: 'fail', found, remedy }),
            }
          }),
        )),
      )
    }
    return done
  })
}
