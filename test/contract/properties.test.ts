import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faults, type OperationObject } from '../../src/contract/index.ts'
import { issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'
import { document, validators } from './document.ts'
import { type Input, inputsOf } from './inputs.ts'

let house: House
let agent: Agent
let known: Readonly<Record<string, unknown>>

beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  const { certificate: cert, key } = await issueClientCertificate(house.authority, {
    uri: 'urn:test:billing',
    days: 1,
  })
  agent = new Agent({ ca: house.authority.certificate, cert, key, keepAlive: true })
  const { address } = await house.addRecipient('disputes@acquirer.example')
  const posted = await house.client.post({
    from: house.sender,
    to: [address],
    subject: 's',
    text: 't',
    reference: 'r',
  })
  known = {
    id: (posted.body as { id: string }).id,
    from: house.sender,
    to: [address],
    recipient: address,
    reference: 'r',
    limit: 2,
  }
})
afterAll(async () => {
  agent.destroy()
  await house.close()
})

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method} ${path}`,
    path,
    method,
    operation,
  })),
)

interface Told {
  readonly status: number
  readonly headers: readonly string[]
  readonly type: string
  readonly text: string
}

/** Of a stream only the head is waited for. */
function ask(method: string, { path, headers, body }: Input): Promise<Told> {
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port: house.port, agent, method, path, headers }, response => {
      const type = String(response.headers['content-type']).split(';')[0] ?? ''
      const told = (answer: string): void =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.keys(response.headers),
          type,
          text: answer,
        })
      if (type === 'text/event-stream') {
        told('')
        response.destroy()
      } else text(response).then(told, reject)
    })
      .on('error', reject)
      .end(body)
  })
}

/** By status and type: whether the document allows this body; undefined where it says nothing of such an answer. */
async function answersOf({ path, method, operation }: (typeof operations)[number]) {
  const places = Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, { schema }]) => [status, type, schema] as const),
  )
  const escaped = (step: string) => step.replaceAll('~', '~0').replaceAll('/', '~1')
  const checks = await validators(
    Object.fromEntries(
      places.flatMap(([status, type, schema]) =>
        schema === undefined
          ? []
          : [
              [
                `${status} ${type}`,
                `/paths/${escaped(path)}/${method}/responses/${status}/content/${escaped(type)}/schema`,
              ],
            ],
      ),
    ) as Record<string, string>,
  )
  return Object.fromEntries(
    places.map(([status, type]) => [`${status} ${type}`, checks[`${status} ${type}`] ?? (() => true)]),
  )
}

/** Runs of digits in a request that its refusal must not repeat. The name of the occurrence is ours. */
function echoes({ path, headers, body }: Input, { status, text: answer }: Told): readonly string[] {
  if (status < 400) return []
  const sent = [
    decodeURIComponent(path.replaceAll('+', ' ')),
    ...Object.values(headers),
    body?.toString('latin1'),
  ].join('\n')
  const said = answer.replace(/"instance":"[^"]*"/, '')
  return [...new Set(sent.match(/[0-9](?:[ -]?[0-9]){5,}/g))].filter(run => said.includes(run))
}

function codesOf({ responses }: OperationObject, status: number): readonly string[] {
  return Object.keys(responses[status]?.content?.['application/problem+json']?.examples ?? {})
}

describe('whatever is asked, the answer is one of those that the document has', () => {
  test.each(operations)('$name', async operation => {
    const allowed = await answersOf(operation)
    const seen = new Map<string, number>()
    const runs = operation.operation.requestBody === undefined ? 25 : 100
    await fc.assert(
      fc.asyncProperty(inputsOf(operation.path, operation.operation, known), async input => {
        const told = await ask(operation.method, input)
        const kind = `${told.status} ${told.type}`
        expect(Object.keys(allowed)).toContain(kind)
        const { headers = {} } = operation.operation.responses[told.status] ?? {}
        const promised = Object.keys(headers).filter(name => headers[name]?.required)
        expect(told.headers).toEqual(expect.arrayContaining(promised.map(name => name.toLowerCase())))
        const body: unknown = told.type.endsWith('json') ? JSON.parse(told.text) : undefined
        if (body !== undefined) expect(allowed[kind]?.(body), told.text).toBe(true)
        const { code, retryable = false } = (told.status < 400 ? {} : body) as {
          code?: string
          retryable?: boolean
        }
        expect(told.headers.includes('retry-after')).toBe(retryable)
        if (code !== undefined) expect(codesOf(operation.operation, told.status)).toContain(code)
        for (const { code: fault } of (body as { errors?: { code: string }[] } | undefined)?.errors ?? [])
          expect(Object.keys(faults)).toContain(fault)
        // The log may not have the message yet; nothing else may fail on our side.
        if (told.status >= 500) expect(code).toMatch(/^evidence_not_/)
        expect(echoes(input, told)).toEqual([])
        seen.set(code ?? kind, (seen.get(code ?? kind) ?? 0) + 1)
      }),
      { numRuns: runs },
    )
    // It was worth asking. The house's recipients were not enrolled as people are, so there is no evidence of it.
    expect([...seen.keys()].filter(kind => /^2|^evidence_/.test(kind))).not.toEqual([])
  })
})

test('a repeated run of digits would be seen, also where it came encoded', () => {
  const input = {
    path: '/v1/messages?a=4111+1111+1111+1111',
    headers: { x: '123456' },
    body: Buffer.from('99 99 99'),
  }
  const echo = {
    status: 400,
    headers: [],
    type: '',
    text: '{"instance":"123456","x":"4111 1111 1111 1111, 99 99 99"}',
  }
  expect(echoes(input, echo)).toEqual(['4111 1111 1111 1111', '99 99 99'])
})

describe('beside the operations', () => {
  test.each([...new Set(operations.map(({ path }) => path))])('%s says which methods it has', async path => {
    const real = path.replace('{id}', String(known['id']))
    const answer = await send(house, { method: 'DELETE', path: real, agent })
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'method_not_allowed', status: 405 })
    const offered = String(answer.headers['allow']).split(', ')
    const described = Object.keys(document.paths[path] ?? {}).map(method => method.toUpperCase())
    expect(offered.filter(method => method !== 'HEAD').toSorted()).toEqual(described.toSorted())
  })

  test.each(['/docs', '/docs/errors', '/openapi.json'])(
    '%s is the same for programs and for people, and safe for a browser',
    async path => {
      const asProgram = await send(house, { path, agent })
      const asPerson = await house.browser('console').get(path)
      for (const { status, headers } of [asProgram, asPerson]) {
        expect(status).toBe(200)
        expect(headers['content-security-policy']).toContain("default-src 'none'")
        expect(headers['set-cookie']).toBeUndefined()
      }
      const body = (page: string) => page.replaceAll(/Sealpost|Example Payments/g, '')
      expect(body(asProgram.text)).toBe(body(asPerson.text))
      if (path === '/openapi.json') expect(JSON.parse(asProgram.text)).toEqual(document)
    },
  )

  test.each([
    '/v1/messages/',
    '/V1/messages',
    '/v1/messages/%2e%2e/updates',
    '//v1/messages',
    '/docs/',
    '/Docs',
  ])('%s is nothing', async path => {
    const answer = await send(house, { path, agent })
    expect(JSON.parse(answer.text)).toMatchObject({ status: 404, code: 'not_found' })
  })

  test('a problem says where its code is explained, and there it is', async () => {
    const answer = await send(house, { path: '/v1/messages/msg_0', agent })
    const { documentation } = JSON.parse(answer.text) as { documentation: string }
    const [path = '', place = ''] = documentation.split('#')
    expect((await send(house, { path, agent })).text).toContain(` id="${place}"`)
    const console = await house.browser('console').get('/v1/destinations')
    expect(JSON.parse(console.text)).toMatchObject({ documentation: '/docs/errors#sign_in_required' })
  })
})
