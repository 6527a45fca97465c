import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCsvLine } from '../../src/recipients/invite/csv.ts'
import { newAddress, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

const header = 'address,organisation,kind,phone,retentionDays,aoc,aocUntil'
const rest = 'Bank,customer,+31 20 123 4567,90,A-17,2099-12-31'
const take = (...lines: readonly string[]) =>
  house.enrolment.importCsv(house.admin, [header, ...lines].join('\r\n'))

test('a good line invites, with its attestations; others are told by column, and harm nobody', async () => {
  const [a, b] = [newAddress(), newAddress()]
  const report = await take(
    `${a},"Bank ""of"" Tests, Ltd",customer,+31 20 123 4567,90,A-17,2099-12-31`,
    'no address,,dealer,12,0,A-17,2099-02-31',
    `${a},${rest}`,
    `${b},${rest}`,
  )
  expect(report).toMatchObject({ invited: 2, refused: 2 })
  expect(report.lines.map(({ line, code }) => [line, code])).toEqual([
    [2, 'ok'],
    [3, 'invalid_request'],
    [4, 'name_taken'],
    [5, 'ok'],
  ])
  expect(report.lines[1]?.errors).toEqual([
    { column: 'address', code: 'malformed' },
    { column: 'organisation', code: 'required' },
    { column: 'kind', code: 'unknown_value' },
    { column: 'phone', code: 'malformed' },
    { column: 'retentionDays', code: 'out_of_range' },
    { column: 'aocUntil', code: 'out_of_range' },
  ])
  const { organisation, attestations } = await house.enrolment.show(report.lines[0]!.recipient!)
  expect(organisation).toBe('Bank "of" Tests, Ltd')
  expect(attestations).toMatchObject([
    { kind: 'aoc', reference: 'A-17', validUntil: new Date('2099-12-31T23:59:59.999Z') },
  ])
  expect(await house.tokenIn(report.lines[3]!.recipient!, 'invitation', 'enrolToken')).toBeTruthy()
})

test.each([
  ['a quote that never ends', '"x'],
  ['text after a quoted field', '"x"y,Bank,customer,+31 20 123 4567,90,A,2099-12-31'],
  ['a quote inside a field', 'a"b,Bank,customer,+31 20 123 4567,90,A,2099-12-31'],
  ['a field too many', `x@bank.test,${rest},more`],
  ['a field too few', 'x@bank.test,Bank'],
  ['an empty line', ''],
  ['a long line', 'x'.repeat(5_000)],
  ['NUL', `x\0@bank.test,${rest}`],
  ['a header injection', `"x@bank.test\u2028Bcc: y",${rest}`],
  ['a card number', `x@bank.test,4111111111111111,customer,+31 20 123 4567,90,A,2099-12-31`],
  ['a lone surrogate', `x@bank.test,\ud800,customer,+31 20 123 4567,90,A,2099-12-31`],
  ['a prototype', `__proto__,${rest}`],
  ['a formula as an address', `=cmd|'/c calc'!A1,${rest}`],
  ['an attestation without an end', `x@bank.test,Bank,customer,+31 20 123 4567,90,A,`],
  ['two addresses', `"x@bank.test, y@bank.test",${rest}`],
])('a line with %s is refused, the one after it is taken, and nothing of it is repeated', async (_, line) => {
  const before = await house.owner('recipients').count()
  const report = await take(line, `${newAddress()},${rest}`)
  expect(report.lines.map(({ code }) => code)).toEqual(['invalid_request', 'ok'])
  const { errors } = report.lines[0]!
  expect(errors.length).toBeGreaterThan(0)
  for (const { column, code } of errors) expect(`${column} ${code}`).toMatch(/^[A-Za-z]* [a-z_]+$/)
  const after = await house.owner('recipients').count()
  expect(Number(after[0]!['count']) - Number(before[0]!['count'])).toBe(1)
})

test.each([
  ['nothing', ''],
  ['no header', `a@bank.test,${rest}`],
  ['a column that is not known', `${header},password`],
  ['a column twice', `${header},aoc`],
  ['a column that is missing', 'address,organisation,kind,phone'],
  ['too many lines', `${header}\n${'x\n'.repeat(10_001)}`],
  ['too much text', `${header}\n${'x'.repeat(4_100_000)}`],
])('a file with %s is refused as a whole', async (_, text) => {
  expect(await outcomeOf(house.enrolment.importCsv(house.admin, text))).toBe('invalid_request')
})

test('columns may come in another order, after a byte order mark, with other line ends', async () => {
  const columns = 'kind,phone,address,retentionDays,organisation'
  const line = (address: string) => `employee,+31 20 123 4567,${address},30,Bank`
  const text = `\ufeff${columns}\n${line(newAddress())}\r${line(newAddress())}\r\n\r\n`
  expect(await house.enrolment.importCsv('host', text)).toMatchObject({ invited: 2, refused: 0 })
})

test('a file that is sent twice invites nobody twice', async () => {
  const lines = Array.from({ length: 20 }, () => `${newAddress()},${rest}`)
  expect(await take(...lines)).toMatchObject({ invited: 20 })
  expect(await take(...lines)).toMatchObject({ invited: 0, refused: 20 })
})

test('a database that refuses one line for a reason of its own stops the import; what was taken stays', async () => {
  const [a, b] = [newAddress(), newAddress()]
  await house.owner.raw(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON recipients FOR EACH ROW WHEN (NEW.address = '${b}') EXECUTE FUNCTION fail()`)
  expect(await outcomeOf(take(`${a},${rest}`, `${b},${rest}`))).toBe('database_unavailable')
  await house.owner.raw('DROP TRIGGER fail ON recipients; DROP FUNCTION fail')
  expect(await take(`${a},${rest}`, `${b},${rest}`)).toMatchObject({
    invited: 1,
    lines: [{ code: 'name_taken' }, { code: 'ok' }],
  })
})

test('a long line of quotes costs no time', () => {
  for (const line of ['"'.repeat(4_000), ','.repeat(4_000), '""'.repeat(2_000), `"${'""'.repeat(2_000)}`]) {
    const started = performance.now()
    readCsvLine(line)
    expect(performance.now() - started).toBeLessThan(1_000)
  }
})
