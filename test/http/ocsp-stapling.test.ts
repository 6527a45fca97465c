import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from '../support/house.ts'
import { createRevokingAuthority, type RevokingAuthority } from '../support/revoking-authority.ts'

let house: House
let ca: RevokingAuthority
let answer: Buffer | undefined
const asked: Buffer[] = []
const responder = createServer((request, response) => {
  void buffer(request).then(question => {
    asked.push(question)
    // Without an answer it keeps the line open, as a responder in trouble does.
    if (answer !== undefined) response.setHeader('content-type', 'application/ocsp-response').end(answer)
  })
})

beforeAll(async () => {
  responder.listen(0, 'localhost')
  await once(responder, 'listening')
  house = await openHouse({ roles: ['api'] })
  ca = await createRevokingAuthority()
})
afterAll(async () => {
  await house.close()
  responder.closeAllConnections()
  responder.close()
})

async function show(mustStaple: boolean) {
  const { port } = responder.address() as AddressInfo
  const own = await ca.issue({ name: 'localhost', responder: `http://localhost:${port}/`, mustStaple })
  const chain = { certificate: `${own.pem.certificate}\n${ca.certificate.toString()}`, key: own.pem.key }
  return {
    response: ca.response(own.certificate),
    install: async () =>
      expect(await house.gateway.reload(() => ({ ...house.secrets, publicIdentity: chain }))).toBe(true),
  }
}

/** What comes stapled when a client asks for it. */
async function stapled(): Promise<Buffer | null> {
  const socket = connect({
    host: 'localhost',
    servername: 'localhost',
    port: house.gateway.publicPort ?? 0,
    ca: ca.certificate.toString(),
    requestOCSP: true,
  })
  const heard = once(socket, 'OCSPResponse') as Promise<[Buffer | null]>
  await once(socket, 'secureConnect')
  const [response] = await heard
  socket.destroy()
  return response
}

test('a certificate that names a responder is shown with its response', async () => {
  const { response, install } = await show(false)
  answer = response
  await install()
  await expect.poll(stapled, { timeout: 10_000 }).toEqual(response)
  expect(asked.length).toBeGreaterThan(0)
})

test('a response about another certificate is not stapled, and a silent responder stops no handshake', async () => {
  const { install } = await show(false)
  await install()
  expect(await stapled()).toBeNull()
  answer = undefined
  const other = await show(true)
  await other.install()
  expect(await stapled()).toBeNull()
})
