import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Actor, appendEvents } from '../../src/audit/index.ts'
import { claimNotices, mailOf } from '../../src/notices/index.ts'
import { type Database, openDatabase, openLogger } from '../../src/platform/index.ts'
import { inert } from '../../src/review/daily/inert.ts'
import { openReporting } from '../../src/review/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { ada, append, bank, billing, bob, insertCheckpoint, shop } from '../support/review-day.ts'

const pan = '4111111111111111'
const session = { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 }
const midnight = Date.parse(new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10))
const at = (hours: number) => new Date(midnight + hours * 3_600_000)

describe('what others chose is inert in a report', () => {
  test.each([
    ['a link', '[click](https://evil.test)', '`[click](https://evil.test)`'],
    [
      'the end of a code span',
      'a`<script>alert(1)</script>`b',
      '`a\\u{60}<script>alert(1)</script>\\u{60}b`',
    ],
    [
      'the end of a cell, and a formula',
      'x | =HYPERLINK("https://evil.test")',
      '`x \\u{7c} =HYPERLINK("https://evil.test")`',
    ],
    ['a line of its own', 'x\n# Review\r\n| y |', '`x\\u{a}# Review\\u{d}\\u{a}\\u{7c} y \\u{7c}`'],
    ['text from right to left', '\u202egro.knab', '`\\u{202e}gro.knab`'],
    [
      'what is not drawn',
      'b\u200ban\u3164k\u{e0061}\u2800.test\u00a0',
      '`b\\u{200b}an\\u{3164}k\\u{e0061}\\u{2800}.test\\u{a0}`',
    ],
    ['marks that pile up', 'a\u0300\u0301\u0302', '`a\\u{300}\\u{301}\\u{302}`'],
    ['letters of the world', 'Müller-Łódź 東京 and co', '`Müller-Łódź 東京 and co`'],
    ['nothing', '', '—'],
  ])('%s', (_name, text, shown) => {
    expect(inert(text)).toBe(shown)
  })
})

describe('a card number in names, addresses, organisations and subjects', () => {
  let database: TestDatabase
  let owner: Database
  let gateway: Database
  let everything: string
  let report = ''

  beforeAll(async () => {
    database = await testDatabase()
    owner = openDatabase(database.owner, session)
    gateway = openDatabase(database.gateway, session)
    const { knex } = owner
    const evil = `=1+1|<b>\`\u202e ${pan}`
    const made = at(-1000)
    await knex('applications').insert({
      id: billing,
      name: evil,
      san: billing,
      senders: [],
      created_at: made,
    })
    await knex('operators').insert([
      { id: ada, name: evil, address: `a${pan}@payments.test`, roles: ['admin'], created_at: made },
      {
        id: bob,
        name: `Bob ${pan.replace(/(....)/g, '$1 ')}`,
        address: 'bob@payments.test',
        roles: ['auditor'],
        created_at: made,
      },
    ])
    const row = { kind: 'supplier', organisation: pan, state: 'active', created_at: made }
    await knex('recipients').insert([
      { ...row, id: bank, address: `${pan}@bank.test`, attested_until: new Date(Date.now() + 86_400_000) },
      { ...row, id: shop, address: `a@${pan}.test`, attested_until: new Date(Date.now() + 86_400_000) },
    ])
    await knex('change_requests').insert({
      id: 'chg_00000000000000000000000001',
      kind: 'destination.set',
      subject: `${pan}.test`,
      body: '{}',
      state: 'pending',
      asked_by: ada,
      asked_at: at(1),
      expires_at: new Date(Date.now() + 86_400_000),
    })
    const actor: Actor = { kind: 'application', id: billing }
    const delivery = {
      delivery: 'dlv_00000000000000000000000001' as never,
      certificate: 'A'.repeat(40),
      encryptionSubkey: 'A'.repeat(40),
      ciphertextSha256: 'a'.repeat(64),
      ciphertextBytes: 1,
    }
    const accepted = {
      type: 'message.accepted',
      message: 'msg_00000000000000000000000001' as never,
      deliveries: [bank, shop].map(recipient => ({ ...delivery, recipient })),
    } as const
    const refused = {
      type: 'request.refused',
      code: 'invalid_message',
      recipients: [],
      unknownRecipients: 0,
    } as const
    await append(knex, at(-20), [{ actor, event: refused }])
    await append(
      knex,
      at(2),
      Array.from({ length: 40 }, () => ({ actor, event: accepted })),
    )
    await append(knex, at(3), [
      { actor, event: refused },
      { actor: { kind: 'operator', id: bob }, event: { type: 'operator.signed_in', operator: bob } },
    ])
    // The event itself cannot hold one: it is refused, and nothing of it is kept.
    await knex
      .transaction(trx =>
        appendEvents(trx, { now: () => at(3) }, [
          { actor, event: { type: 'application.added', application: billing, san: `URI:${pan}` } },
        ]),
      )
      .catch(() => undefined)
    await insertCheckpoint(knex, at(4))
    let logged = ''
    const write = (line: string) => {
      logged += line
      return true
    }
    const reporting = openReporting({
      knex: gateway.knex,
      clock: { now: () => at(30) },
      log: openLogger({ level: 'debug', destination: { write } }),
      sender: {
        from: 'notices@gateway.test' as never,
        mailHost: 'gateway.test',
        publicUrl: 'https://keys.gateway.test',
        organisation: 'Example Payments',
      },
      own: () => Promise.resolve([]),
    })
    await reporting.pass()
    await reporting.stop()
    const mails = (await claimNotices(gateway.knex, 10, [])).map(notice =>
      Buffer.from(mailOf(notice)).toString(),
    )
    const rows = await knex('audit_reviews').select<{ report: string; facts: string }[]>('report', 'facts')
    report = rows.map(each => each.report).join('')
    const bodies = await knex('audit_events').pluck<string[]>('body')
    const fields = await knex('notices').pluck<unknown[]>('fields')
    everything = [logged, ...mails, JSON.stringify(rows), ...bodies, JSON.stringify(fields)].join('\n')
    expect(mails).toHaveLength(1)
  })
  afterAll(async () => {
    await gateway.close()
    await owner.close()
    await database.drop()
  })

  test('is in no report, no facts, no mail, no event, no log', () => {
    expect(everything.replace(/[^0-9a-z]/gi, '')).not.toContain(pan)
    expect(report).toContain('`[withheld]`')
    expect(report).toContain('| `message.accepted` | success | 40 |')
  })

  test('names stay inside their cell', () => {
    const rows = report.split('\n').filter(line => line.startsWith('|'))
    for (const row of rows) {
      const cells = row.slice(2, -2).split(' | ')
      for (const cell of cells) expect(cell).toMatch(/^(?:(?:`[^`]*`(?: |$))+|[\w :,.-]+)$/)
    }
    expect(report).not.toContain('\u202e')
  })
})
