import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'

let house: House
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
})
afterAll(() => house.close())

interface Told {
  readonly type: string
  readonly actor: { readonly kind: string; readonly id?: string }
  readonly from?: { readonly listener: string; readonly address?: string }
  readonly message?: string
  readonly settings?: Readonly<Record<string, unknown>>
}
const told = async (type: string): Promise<Told[]> => {
  const bodies = await house.owner('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Told)
}

test('what an operator does in the console comes from there', async () => {
  const admin = await house.signedIn('ada', 'admin', 'approver')
  const invitation = {
    address: 'origin@acquirer.example',
    organisation: 'Acquirer',
    kind: 'supplier',
    phone: '+44 20 7946 0000',
    retentionDays: 30,
  }
  expect((await admin.call('POST', '/v1/recipients', invitation)).status).toBe(201)
  const from = { listener: 'console', address: '127.0.0.1' }
  const actor = { kind: 'operator', id: admin.id }
  expect(await told('operator.signed_in')).toMatchObject([{ actor, from }])
  expect(await told('recipient.invited')).toMatchObject([{ actor, from, address: 'origin@acquirer.example' }])
  expect(await told('notice.queued')).not.toContainEqual(expect.objectContaining({ from: undefined }))
})

test('what is done on the host comes from there; what nobody asked for, from nowhere', async () => {
  expect((await told('operator.added'))[0]?.from).toEqual({ listener: 'host' })
  expect((await told('custody.unsealed'))[0]?.from).toEqual({ listener: 'host' })
  const [started] = await told('gateway.started')
  expect(started).not.toHaveProperty('from')
  expect(started?.settings).toMatchObject({
    mailHost: 'gateway.test',
    exposure: 'internal',
    database: 'socket',
  })
  expect(JSON.stringify(started)).not.toMatch(/PRIVATE|CERTIFICATE/)
})

test('messages of two applications in one transaction keep each its application and its address', async () => {
  const { address: to } = await house.addRecipient('shared@acquirer.example')
  await addApplication(house.owner, systemClock, {
    name: 'other',
    san: 'URI:urn:test:other',
    senders: [house.sender],
  })
  const people: readonly { identity: Identity; localAddress: string; name: string }[] = [
    {
      identity: await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 }),
      localAddress: '127.0.21.1',
      name: 'billing',
    },
    {
      identity: await issueClientCertificate(house.authority, { uri: 'urn:test:other', days: 1 }),
      localAddress: '127.0.22.1',
      name: 'other',
    },
  ]
  const body = JSON.stringify({ from: house.sender satisfies Address, to: [to], subject: 's', text: 't' })
  const ids = new Map<string, string>(
    await house
      .owner('applications')
      .select('name', 'id')
      .then(rows => rows.map(({ name, id }) => [name, id])),
  )
  const sent = new Map<string, { readonly application: string; readonly address: string }>()
  const post = async ({ identity, localAddress, name }: (typeof people)[number]): Promise<void> => {
    const answer = await send(
      house,
      {
        host: '127.0.0.1',
        servername: 'localhost',
        localAddress,
        method: 'POST',
        path: '/v1/messages',
        headers: { 'content-type': 'application/json' },
        cert: identity.certificate,
        key: identity.key,
      },
      body,
    )
    expect(answer.status).toBe(202)
    const { id } = JSON.parse(answer.text) as { id: string }
    sent.set(id, { application: ids.get(name) ?? '', address: localAddress })
  }
  // How requests share commits is theirs; a few rounds, and some did.
  let shared = 0
  for (let round = 0; round < 20 && shared === 0; round++) {
    await Promise.all(people.flatMap(one => Array.from({ length: 6 }, () => post(one))))
    const { rows } = await house.owner.raw<{ rows: unknown[] }>(
      `SELECT xact FROM audit_events WHERE type = 'message.accepted'
        GROUP BY xact HAVING count(DISTINCT body::jsonb -> 'from' ->> 'address') > 1`,
    )
    shared = rows.length
  }
  expect(shared).toBeGreaterThan(0)
  const accepted = await told('message.accepted')
  expect(accepted).toHaveLength(sent.size)
  for (const { message = '', actor, from } of accepted) {
    expect(actor.id).toBe(sent.get(message)?.application)
    expect(from).toEqual({ listener: 'api', address: sent.get(message)?.address })
  }
})
