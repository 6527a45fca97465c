import { once } from 'node:events'
import { Agent } from 'node:https'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { send } from '../support/request.ts'
import { openSlowClients, type SlowClients, slownesses } from '../support/slow-clients.ts'

/** Of each kind. `npm run bench:slow` has 2,000. */
const count = 12

let house: House
let slow: Identity
let ops: Agent
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  slow = await issueClientCertificate(house.authority, { uri: 'urn:test:slow', days: 1 })
  await addApplication(house.owner, systemClock, {
    name: 'slow',
    san: 'URI:urn:test:slow',
    senders: ['@slow.example'],
    ratePerMinute: 1_000_000,
  })
  await house.addRecipient('reader@bank.example')
  ops = new Agent({ ca: house.authority.certificate, keepAlive: true })
})
afterAll(async () => {
  ops.destroy()
  await house.close()
})

const message = (text: string) => ({
  from: house.sender,
  to: ['reader@bank.example'],
  subject: 'Settlement',
  text,
})

async function healthTook(): Promise<number> {
  const began = performance.now()
  const { status } = await send({ ...house, port: house.gateway.opsPort }, { path: '/healthz', agent: ops })
  expect(status).toBe(200)
  return performance.now() - began
}

test('while one application is slow in every way, others are served, and the health check answers', async () => {
  const target = { port: house.port, authority: house.authority, client: slow }
  const attacks: SlowClients[] = []
  try {
    const stalled = stall()
    for (const slowness of slownesses) {
      const attack = openSlowClients(target, slowness, count)
      attacks.push(attack)
      await eventually(`${slowness} stand`, () => attack.opened() >= count)
    }
    // Of its turn, too, until the slow one that has it has used up its grace.
    const large = house.client.post(message('x'.repeat(1_500_000)))
    const took: number[] = []
    for (let i = 0; i < 40; i++) {
      took.push(await healthTook())
      if (i % 4 === 0) expect((await house.client.post(message('small'))).status).toBe(202)
    }
    // Alone on a machine it is a few milliseconds.
    expect(took.toSorted((a, b) => a - b)[20]).toBeLessThan(200)
    expect((await large).status).toBe(202)
    const answer = await stalled
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"code":"body_too_slow"')
    expect(answer).toMatch(/^Connection: close\r$/m)
  } finally {
    for (const attack of attacks) attack.close()
  }
}, 60_000)

/** What is said to one that never sends its body, until it is cut off. */
async function stall(): Promise<string> {
  const { certificate: cert, key } = slow
  const socket = connect({ host: 'localhost', port: house.port, ca: house.authority.certificate, cert, key })
  await once(socket, 'secureConnect')
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  socket.write(
    'POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  )
  await once(socket, 'close')
  return answer
}
