import express, { type Express, type Request } from 'express'
import type { ActiveAlarm, Actor } from '../audit/index.ts'
import { SealpostError } from '../kernel/index.ts'
import { peerOf, refuse } from './refuse.ts'

/** What readiness depends on, by name. Each throws or rejects when it is not so. */
type ReadinessChecks = Readonly<Record<string, () => unknown>>

const checkTimeout = 2_000

/**
 * `/healthz`: this process answers. `/readyz`: it can accept messages now; 503 names what fails. `warnings` are codes of
 * what will fail unless somebody acts; they change no status. `alarms`: what needs somebody now, and since when; those that stop
 * the replica are a check as well. Whatever else is asked for does not exist.
 */
export function createOps(
  checks: ReadinessChecks,
  refusing: Omit<Parameters<typeof refuse>[0], 'listener' | 'actorOf'>,
  warnings: () => readonly string[] = () => [],
  alarms: () => readonly ActiveAlarm[] = () => [],
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', false)
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', async (_request, response) => {
    const entries = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await passes(check)] as const),
    )
    const ready = entries.every(([, ok]) => ok)
    response.status(ready ? 200 : 503).json({
      status: ready ? 'ready' : 'not ready',
      checks: Object.fromEntries(entries),
      warnings: warnings(),
      alarms: alarms(),
    })
  })
  app.use(() => {
    throw new SealpostError('not_found')
  })
  app.use(refuse({ ...refusing, listener: 'ops', actorOf: unknown }))
  return app
}

/** Nobody says here who they are. */
function unknown(request: Request): Promise<Actor> {
  return Promise.resolve(peerOf(request))
}

async function passes(check: () => unknown): Promise<boolean> {
  const timeout = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new SealpostError('database_unavailable')), checkTimeout).unref()
  })
  return Promise.race([Promise.try(check), timeout]).then(
    () => true,
    () => false,
  )
}
