import { globSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withEvent, withoutEvent } from '../../docs/alarms-page.ts'
import { ownAddress } from '../../src/custody/index.ts'
import { wkdUrls } from '../../src/keys/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { send } from '../support/request.ts'
import { listen } from '../updates/stream.ts'

const root = new URL('../../', import.meta.url).pathname

/** GET routes as the routers have them: each chain that begins with `.route(` up to the next one, and the two of `ops`. */
function routesOf(pattern: string, prefix = ''): string[] {
  return globSync(`src/http/${pattern}`, { cwd: root }).flatMap(file => {
    const source = readFileSync(`${root}${file}`, 'utf8')
    const chains = source.split(/(?=\.route\()/).flatMap(chain => {
      const path = /^\.route\(\s*'([^']+)'/.exec(chain)?.[1]
      return path !== undefined && /\)\s*\.get\((?!')/.test(chain) ? [prefix + path] : []
    })
    const direct = [...source.matchAll(/app\.get\('([^']+)'/g)].map(([, path = '']) => prefix + path)
    return [...chains, ...direct]
  })
}

const docs = routesOf('docs/*.ts')

test.each([
  ['ops', routesOf('ops.ts')],
  ['api', [...routesOf('api/**/*.ts'), ...docs]],
  ['console', [...routesOf('console/{pages/,}*.ts'), ...routesOf('console/api/*.ts', '/v1'), ...docs]],
  ['public', routesOf('public/*.ts')],
] as const)('each GET of %s is known either to leave an event or to leave none', (listener, routes) => {
  expect(routes.length).toBeGreaterThan(1)
  expect(routes.toSorted()).toEqual([...withEvent[listener], ...withoutEvent[listener]].toSorted())
})

let house: House
let browser: BrowserClient
let stranger: BrowserClient
let client: Identity
const values: Record<string, string> = {}
const nameOfOwn = wkdUrls(ownAddress('gateway.test')).direct.pathname.split('/').at(-1) ?? ''

beforeAll(async () => {
  house = await openHouse()
  browser = await house.signedIn('ada', 'admin', 'approver', 'auditor')
  stranger = house.browser('public')
  client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  const to = await house.addRecipient('a@bank.test')
  const answer = await house.client.post({ from: house.sender, to: [to.address], subject: 's', text: 't' })
  values['message'] = (answer.body as { id: string }).id
  await house.received(1)
  const [row] = await house.owner('certificates').select<{ fingerprint: string; recipient_id: string }[]>('*')
  values['fingerprint'] = row?.fingerprint ?? ''
  values['recipient'] = row?.recipient_id ?? ''
  const [delivery] = await house.owner('deliveries').pluck<string[]>('id')
  values['delivery'] = delivery ?? ''
  await eventually('a checkpoint', async () => (await house.owner('audit_checkpoints')).length > 0)
  const [event] = await house.owner('audit_events').orderBy('seq').pluck<string[]>('id')
  values['event'] = event ?? ''
  await house.owner.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
})
afterAll(async () => {
  await house.owner.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await house.close()
})

/** The path with real values; undefined where the house has nothing to ask for. */
function filled(path: string): string | undefined {
  const of = (): string | undefined => {
    if (path.includes('/messages/')) return values['message']
    if (path.includes('/recipients/')) return values['recipient']
    if (path.includes('/deliveries/')) return values['delivery']
    if (path.includes('/audit/')) return values['event']
    return undefined
  }
  const value = path.includes(':id') ? of() : ''
  return value === undefined
    ? undefined
    : path
        .replace(':domain/hu', 'gateway.test/hu')
        .replace(':domain/policy', 'gateway.test/policy')
        .replace(':name', nameOfOwn)
        .replace(':id', value)
        .replace(':fingerprint', values['fingerprint'] ?? '')
        .replace(':domain', 'bank.test')
        .replace(':token', 'A'.repeat(43))
        .replace('/find', '/find?domain=bank.test')
}

async function statusOf(listener: string, path: string): Promise<number> {
  if (listener === 'ops') {
    return (await send({ ...house, port: house.gateway.opsPort }, { path })).status
  }
  if (listener === 'api') {
    // Some answers go on for as long as one listens.
    const answer = await listen(house, client, path)
    answer.close()
    return answer.status
  }
  return (await (listener === 'console' ? browser : stranger).get(path)).status
}

const cases = (of: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(of).flatMap(([listener, paths]) => paths.map(path => [listener, path] as const))

test('while the audit log cannot be written, what leaves no event is answered', async () => {
  const asked: unknown[] = []
  for (const [listener, path] of cases(withoutEvent)) {
    const real = filled(path)
    // The first answers, and says that the replica is not ready; the other wants the session of a recipient.
    if (real === undefined || path === '/readyz' || path === '/enrol') continue
    asked.push([listener, path, (await statusOf(listener, real)) < 400])
  }
  expect(asked.length).toBeGreaterThan(25)
  expect(asked.filter(each => !(each as unknown[])[2])).toEqual([])
})

test('while the audit log cannot be written, what leaves an event is refused', async () => {
  const answers: unknown[] = []
  for (const [listener, path] of cases(withEvent)) {
    answers.push([path, await statusOf(listener, filled(path) ?? path)])
  }
  expect(answers.length).toBeGreaterThan(10)
  expect(answers.filter(each => (each as unknown[])[1] !== 503)).toEqual([])
})
