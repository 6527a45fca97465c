import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordEvent } from '../../src/audit/index.ts'
import { type Address, type OperatorId, systemClock } from '../../src/kernel/index.ts'
import { openNote, parseCheckpoint, parseVerifier, verifyInclusion } from '../../src/tlog/index.ts'
import type { Answer, BrowserClient } from '../support/browser-client.ts'
import { type House, openHouse } from '../support/house.ts'

let house: House
let admin: BrowserClient
let approver: BrowserClient
let custodian: BrowserClient
let auditor: BrowserClient & { readonly id: OperatorId }
let message: string
let delivery: string

type Event = Record<string, unknown> & { id: string; type: string; leaf: number }
const json = ({ text }: Answer): unknown => JSON.parse(text)
const code = (answer: Answer) => (json(answer) as { code: string }).code
/** Of those that somebody caused: the gateway does things meanwhile. */
const lastEvents = async (count: number): Promise<Event[]> => {
  const bodies = await house
    .owner('audit_events')
    .whereNot('body', 'like', '%"actor":{"kind":"gateway"}%')
    .orderBy('seq', 'desc')
    .limit(count)
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Event)
}
/** Polls until the log has taken in what was there. */
const logged = async (): Promise<void> => {
  const [seq] = await house.owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('seq')
  const deadline = performance.now() + 30_000
  while ((await house.owner('audit_leaves').where('seq', '>=', seq!).first('leaf')) === undefined) {
    if (performance.now() > deadline) throw new Error('the log takes nothing in')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
const search = async (query: string) => {
  await logged()
  const answer = await auditor.call('GET', `/v1/audit?${query}`)
  expect(answer.status).toBe(200)
  return json(answer) as { events: Event[]; next: string | null; log: { size: number } }
}

beforeAll(async () => {
  house = await openHouse()
  await house.addRecipient('disputes@acquirer.example')
  admin = await house.signedIn('anna', 'admin')
  approver = await house.signedIn('bert', 'approver')
  custodian = await house.signedIn('cleo', 'custodian')
  auditor = await house.signedIn('carl', 'auditor')
  const posted = await house.client.post({
    from: house.sender,
    to: ['disputes@acquirer.example'],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
  })
  const accepted = posted.body as { id: string; deliveries: [{ id: string }] }
  message = accepted.id
  delivery = accepted.deliveries[0].id
  await house.received(1)
  const deadline = performance.now() + 30_000
  while (!(await house.owner('deliveries').where({ id: delivery, state: 'delivered' }).first('id'))) {
    if (performance.now() > deadline) throw new Error('it is not delivered')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
})
afterAll(() => house.close())

describe('who may read', () => {
  const paths = () =>
    [
      ['/v1/audit', false],
      ['/v1/audit?format=csv', false],
      ['/v1/audit?format=jsonl', false],
      ['/v1/audit/checkpoint', false],
      [`/v1/audit/evt_${'0'.repeat(26)}`, false],
      ['/v1/deliveries', true],
      ['/v1/deliveries?format=csv', true],
      [`/v1/deliveries/${delivery}`, true],
    ] as const

  test('the log: auditors alone; deliveries: admins as well; a refusal is on record', async () => {
    for (const [path, alsoAdmin] of paths()) {
      for (const [other, allowed] of [
        [admin, alsoAdmin],
        [approver, false],
        [custodian, false],
      ] as const) {
        const answer = await other.call('GET', path)
        if (allowed) expect([path, answer.status]).toEqual([path, 200])
        else {
          expect([path, answer.status, code(answer)]).toEqual([path, 403, 'role_missing'])
          expect((await lastEvents(1))[0]).toMatchObject({ type: 'request.refused', code: 'role_missing' })
        }
      }
      expect((await house.browser('console').call('GET', path)).status).toBe(401)
    }
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is refused on all of them', async method => {
    for (const [path] of paths()) {
      expect((await auditor.call(method, path.split('?')[0]!, {})).status).toBe(405)
    }
  })

  test('an application gets none of it', async () => {
    expect((await house.client.get('/v1/audit')).status).toBe(404)
    expect((await house.client.get('/v1/deliveries')).status).toBe(404)
  })
})

describe('searching the log', () => {
  test('finds what a delivery became by the recipient, the application, the message and the certificate', async () => {
    const { events } = await search(`delivery=${delivery}&type=delivery.delivered`)
    expect(events).toMatchObject([{ type: 'delivery.delivered', delivery, outcome: 'delivered' }])
    const { recipient_id, certificate } = await house
      .owner('deliveries')
      .where({ id: delivery })
      .first<{ recipient_id: string; certificate: string }>('recipient_id', 'certificate')
    const application = (await house.owner('applications').first<{ id: string }>('id')).id
    for (const query of [
      `recipient=${recipient_id}`,
      `application=${application}`,
      `message=${message}`,
      `key=${certificate.toLowerCase()}`,
      'domain=acquirer.example',
      `recipient=${recipient_id}&application=${application}&key=${certificate}&result=success&by=gateway`,
    ]) {
      const found = await search(`type=delivery.delivered&${query}`)
      expect([query, found.events.length]).toEqual([query, 1])
    }
    expect((await search(`type=delivery.delivered&recipient=rcp_${'0'.repeat(26)}`)).events).toEqual([])
    expect((await search(`message=${message}&result=failure`)).events).toEqual([])
  })

  test('a page is on record, with what was asked, before it leaves; and shows no salt', async () => {
    const { events } = await search('type=operator.added&limit=3')
    expect(events).toHaveLength(3)
    expect(events.every(event => !('salt' in event) && Number.isInteger(event.leaf))).toBe(true)
    expect((await lastEvents(1))[0]).toMatchObject({
      type: 'audit.read',
      actor: { kind: 'operator', id: auditor.id },
      filters: { type: 'operator.added' },
      count: 3,
      from: { listener: 'console' },
    })
  })

  test('pages give nothing twice and leave nothing out while events come in', async () => {
    await logged()
    const { size } = (await search('limit=1')).log
    const seen: number[] = []
    let next: string | null = String(size)
    for (let pages = 0; next !== null && pages < 200; pages++) {
      const page: Awaited<ReturnType<typeof search>> = await search(`limit=7&after=${next}`)
      seen.push(...page.events.map(({ leaf }) => leaf))
      next = page.next
    }
    expect(seen).toEqual(Array.from({ length: size }, (_, i) => size - 1 - i))
  })

  test('times are of any zone, a day is one of UTC, and the end is not included', async () => {
    const event = (await search('type=application.added')).events[0]!
    const at = new Date(String(event['at']))
    const local = `${new Date(at.getTime() + 5.5 * 3_600_000).toISOString().replace('Z', '')}+05:30`
    const day = at.toISOString().slice(0, 10)
    const found = async (query: string) => (await search(`type=application.added&${query}`)).events.length
    expect(await found(`from=${encodeURIComponent(local)}`)).toBe(1)
    expect(await found(`until=${encodeURIComponent(local)}`)).toBe(0)
    expect(await found(`from=${day}&until=${day}`)).toBe(1)
    expect(await found('until=2020-01-01')).toBe(0)
    expect(await found('from=2099-01-01')).toBe(0)
    expect((await auditor.call('GET', '/v1/audit?from=2026-01-01T00:00:00')).status).toBe(400)
  })

  test.each([
    'after=-1',
    'after=1e3',
    'after=99999999999999999999',
    'after=0x10',
    'after=1%27%20OR%201=1',
    'type=no.such.type',
    'recipient=app_00000000000000000000000000',
    'key=4111111111111111',
    'domain=4111111111111111.example',
    'domain=not%20a%20domain',
    'outcome=%3Cscript%3E',
    'code=__proto__',
    'address=4111-1111-1111-1111',
    'format=xml',
    'limit=0',
    'limit=1000',
    'unheard=of',
    'from=yesterday',
  ])('%s is refused and not echoed', async query => {
    const answer = await auditor.call('GET', `/v1/audit?${query}`)
    expect([answer.status, code(answer)]).toEqual([400, 'invalid_request'])
    const value = decodeURIComponent(query.slice(query.indexOf('=') + 1))
    if (value.length > 3) expect(answer.text.includes(value)).toBe(false)
    expect(house.log()).not.toMatch(/4111-?1111/)
  })

  test('after=0 is the end', async () => {
    expect(await search('after=0')).toMatchObject({ events: [], next: null })
  })
})

describe('one event', () => {
  test('comes with all that it takes to check it with the key of the log', async () => {
    const { events } = await search('type=message.accepted')
    const answer = json(await auditor.call('GET', `/v1/audit/${events[0]!.id}`)) as {
      body: string
      leafHash: string
      leaf: number
      proof: string[]
      event: Event
      checkpoint: { note: string; size: number; root: string }
    }
    expect(createHash('sha256').update('\0').update(answer.body).digest('hex')).toBe(answer.leafHash)
    expect(answer.event).not.toHaveProperty('salt')
    expect(JSON.parse(answer.body)).toMatchObject(answer.event)
    const { verifier } = await house.owner('log_keys').first<{ verifier: string }>('verifier')
    const { size, root } = parseCheckpoint(openNote(answer.checkpoint.note, [parseVerifier(verifier)]).text)
    expect(size).toBe(answer.checkpoint.size)
    const proof = answer.proof.map(hash => Buffer.from(hash, 'base64'))
    const hash = Buffer.from(answer.leafHash, 'hex')
    expect(verifyInclusion({ hash, leaf: answer.leaf, size, proof, root })).toBe(true)
    expect(verifyInclusion({ hash, leaf: answer.leaf - 1, size, proof, root })).toBe(false)
    expect((await lastEvents(1))[0]).toMatchObject({ type: 'audit.event.read', event: events[0]!.id })
  })

  test('that there is none of this id is not found', async () => {
    for (const id of [`evt_${'0'.repeat(26)}`, 'evt_x', '%00', '__proto__', delivery]) {
      expect((await auditor.call('GET', `/v1/audit/${id}`)).status).toBe(404)
    }
  })

  test('the newest checkpoint is one of the log', async () => {
    const { note, size, root } = json(await auditor.call('GET', '/v1/audit/checkpoint')) as {
      note: string
      size: number
      root: string
    }
    const parsed = parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1))
    expect([parsed.size, Buffer.from(parsed.root).toString('hex')]).toEqual([size, root])
  })
})

describe('deliveries', () => {
  type Delivery = Record<string, unknown> & { id: string }
  const find = async (query: string) => {
    await logged()
    const answer = await auditor.call('GET', `/v1/deliveries?${query}`)
    expect([query, answer.status]).toEqual([query, 200])
    return (json(answer) as { deliveries: Delivery[] }).deliveries.map(({ id }) => id)
  }

  test('are found by what they are and by what became of them', async () => {
    for (const query of [
      '',
      'state=delivered',
      'outcome=delivered',
      `message=${message}&state=delivered`,
      'domain=ACQUIRER.example',
    ]) {
      expect(await find(query)).toEqual([delivery])
    }
    for (const query of ['state=failed', 'state=queued', 'outcome=timeout', 'domain=other.example']) {
      expect(await find(query)).toEqual([])
    }
  })

  test('one comes with each attempt and how the server was authenticated', async () => {
    const one = json(await auditor.call('GET', `/v1/deliveries/${delivery}`))
    expect(one).toMatchObject({
      id: delivery,
      message,
      address: 'disputes@acquirer.example',
      state: 'delivered',
      attempts: [{ number: 1, outcome: 'delivered', tls: { rule: 'pinned', version: 'TLSv1.3' } }],
    })
    expect(JSON.stringify(one)).not.toMatch(/Refund|4111 ?1111|ciphertext"/)
    expect((await lastEvents(1))[0]).toMatchObject({ type: 'delivery.read', delivery })
  })

  test.each(['after=1', 'after=1-', 'after=-1-1', 'after=1-1-1', 'state=done', 'operator=opr_0', 'key=zz'])(
    '%s is refused',
    async query => {
      expect((await auditor.call('GET', `/v1/deliveries?${query}`)).status).toBe(400)
    },
  )

  test('that there is none of this id is not found', async () => {
    for (const id of [`dlv_${'0'.repeat(26)}`, message, 'dlv_%2e%2e']) {
      expect((await auditor.call('GET', `/v1/deliveries/${id}`)).status).toBe(404)
    }
  })
})

describe('files', () => {
  test('JSON lines are those of an export, all that is found, and on record before and after', async () => {
    await logged()
    const { size } = (await search('limit=1')).log
    const answer = await auditor.call('GET', '/v1/audit?format=jsonl&type=operator.added')
    expect(answer.headers['content-type']).toBe('application/jsonl; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe('attachment; filename=audit.jsonl')
    const lines = answer.text.trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    for (const line of lines) {
      const { leaf, event } = JSON.parse(line) as { leaf: number; event: Event }
      const { body } = await house
        .owner('audit_events')
        .where({ id: event.id })
        .first<{ body: string }>('body')
      expect(line).toBe(`{"leaf":${leaf},"event":${body}}`)
    }
    const [ended, begun] = await lastEvents(2)
    expect(begun).toMatchObject({
      type: 'audit.search.exported',
      as: 'jsonl',
      filters: { type: 'operator.added' },
    })
    expect(Number(begun!['size'])).toBeGreaterThanOrEqual(size)
    expect(ended).toMatchObject({ type: 'search.export.ended', count: 4, complete: true })
  })

  test('a spreadsheet calculates nothing of what it is given', async () => {
    const { id } = await house.owner('recipients').first<{ id: string }>('id')
    const addresses = ['=1+1@evil.example', '+1@evil.example', '-1@evil.example', '=cmd|x@evil.example']
    for (const [i, address] of addresses.entries()) {
      await house.owner.raw(
        `INSERT INTO messages SELECT ?, application_id, sender, ?, now() FROM messages WHERE id = ?`,
        [`msg_${String(i).padStart(26, '0')}`, ['@SUM(A1)', '\tx', '\rx', '＝1'][i]!, message],
      )
      await house.owner.raw(
        `INSERT INTO deliveries (id, message_id, position, recipient_id, address, certificate, encryption_subkey, format,
           outer_date, outer_message_id, ciphertext_sha256, ciphertext_bytes, state, accepted_at, give_up_at)
         SELECT ?, ?, 0, ?, ?, certificate, encryption_subkey, format, outer_date, outer_message_id, ciphertext_sha256,
           ciphertext_bytes, 'queued', now(), now() FROM deliveries WHERE id = ?`,
        [
          `dlv_${String(i).padStart(26, '0')}`,
          `msg_${String(i).padStart(26, '0')}`,
          id,
          address as Address,
          delivery,
        ],
      )
      await recordEvent(house.owner, systemClock, { kind: 'gateway' }, {
        type: 'message.accepted',
        message: `msg_${String(i).padStart(26, '0')}`,
        deliveries: [],
      } as never)
    }
    await logged()
    const { headers, text } = await auditor.call('GET', '/v1/deliveries?format=csv')
    expect(headers['content-type']).toBe('text/csv; charset=utf-8')
    for (const address of addresses) expect(text).toContain(`"'${address}"`)
    const fields = text
      .trimEnd()
      .split('\r\n')
      .flatMap(line => line.slice(1, -1).split('","'))
    expect(fields.length).toBe(17 * 6)
    for (const field of fields) expect(field).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
    const events = (await auditor.call('GET', '/v1/audit?format=csv')).text
    for (const line of events.trimEnd().split('\r\n').slice(1)) expect(line).toMatch(/^"\d+","evt_/)
    expect(text + events).not.toMatch(/4111 ?1111/)
  })

  test('HEAD gives no file, and a file is not taken any number of times', async () => {
    expect((await auditor.call('HEAD', '/v1/audit?format=csv')).status).toBe(405)
    const statuses = new Set<number>()
    for (let i = 0; i < 8; i++) {
      statuses.add((await auditor.call('GET', '/v1/audit?format=csv&type=gateway.stopped')).status)
    }
    expect([...statuses].at(-1)).toBe(429)
  })
})
