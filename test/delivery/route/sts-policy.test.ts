import { describe, expect, test } from 'vitest'
import { namesHost, parsePolicy } from '../../../src/delivery/route/sts/policy.ts'
import { announcedPolicy } from '../../../src/delivery/route/sts/record.ts'

const parse = (text: string) => parsePolicy(Buffer.from(text, 'utf8'))
const good = 'version: STSv1\r\nmode: enforce\r\nmx: mail.bank.test\r\nmx: *.bank.test\r\nmax_age: 604800\r\n'
const read = { mode: 'enforce', mx: ['mail.bank.test', '*.bank.test'], maxAge: 604_800 }

describe('a policy (RFC 8461 section 3.2) is read', () => {
  test.each([
    ['as in the RFC', good],
    ['with LF alone', good.replaceAll('\r\n', '\n')],
    ['without the last line end', good.trimEnd()],
    ['with spaces around', good.replaceAll(': ', ' :\t ').replaceAll('\r\n', '  \r\n')],
    ['with fields that nobody knows', `${good}x-new.thing_1: a, b\r\n`],
    ['with a field again: the first counts', `${good}mode: none\r\nmax_age: 1\r\nversion: STSv2\r\n`],
    ['in other case where names are', good.replace('mail.bank', 'Mail.BANK')],
  ])('%s', (_name, text) => {
    expect(parse(text)).toEqual(read)
  })

  test('of mode none without servers, and is kept for a year at most', () => {
    expect(parse('version: STSv1\nmode: none\nmax_age: 9999999999\n')).toEqual({
      mode: 'none',
      mx: [],
      maxAge: 31_557_600,
    })
  })
})

describe('no policy is what', () => {
  test.each([
    ['is empty', ''],
    ['begins with something else', good.replace('version: STSv1\r\n', '') + 'version: STSv1\r\n'],
    ['has a byte order mark', `\ufeff${good}`],
    ['is of another version', good.replace('STSv1', 'STSv2')],
    ['is of the version in other case', good.replace('STSv1', 'stsv1')],
    ['has no mode', good.replace('mode: enforce\r\n', '')],
    ['has an unknown mode', good.replace('enforce', 'Enforce')],
    ['has no max_age', good.replace('max_age: 604800\r\n', '')],
    ['has a max_age that is no number', good.replace('604800', '1e9')],
    ['has a negative max_age', good.replace('604800', '-1')],
    ['enforces and names no server', good.replaceAll(/mx: .*\r\n/g, '')],
    ['tests and names no server', good.replaceAll(/mx: .*\r\n/g, '').replace('enforce', 'testing')],
    ['names all servers', good.replace('mail.bank.test', '*')],
    ['has a wildcard inside', good.replace('mail.bank.test', 'mail.*.test')],
    ['has part of a label as wildcard', good.replace('mail.bank.test', 'm*.bank.test')],
    ['names a server with a dot at the end', good.replace('mail.bank.test', 'mail.bank.test.')],
    ['names an address', good.replace('mail.bank.test', '[192.0.2.1]')],
    ['has a line that is no field', `${good}hello\r\n`],
    ['has an empty line between', good.replace('mode', '\r\nmode')],
    ['has a bare CR', good.replace('\r\nmode', '\rmode')],
    ['has NUL', good.replace('mail', 'mail\0')],
    ['has a line that does not end', `${good}x: ${'y'.repeat(600)}`],
    ['is HTML', '<html><body>mode: enforce</body></html>'],
    ['names more servers than anybody has', good + 'mx: a.test\r\n'.repeat(100)],
  ])('%s', (_name, text) => {
    expect(parse(text)).toBeUndefined()
  })

  test('is not UTF-8', () => {
    expect(parsePolicy(Buffer.concat([Buffer.from(good), Buffer.of(0xff)]))).toBeUndefined()
  })

  test('64 KiB of the worst, in no time', () => {
    const start = performance.now()
    parse(`version: STSv1\n${'a'.repeat(30)}:${' \t'.repeat(32_000)}x`)
    parse(`version: STSv1\nx: b${' '.repeat(65_000)}c`)
    parse(`version: STSv1\n${`x: b${' '.repeat(500)}c\n`.repeat(128)}`)
    parse(good + `${' '.repeat(60_000)}\n`)
    parse(`version: STSv1\nmx: ${'a-'.repeat(30_000)}`)
    expect(performance.now() - start).toBeLessThan(1000)
  })
})

describe('a policy names', () => {
  const names = (pattern: string, host: string) => namesHost({ mx: ['other.test', pattern] }, host)
  test.each([
    ['mx.bank.test', 'mx.bank.test', true],
    ['mx.bank.test', 'mx2.bank.test', false],
    ['mx.bank.test', 'a.mx.bank.test', false],
    ['*.bank.test', 'mx.bank.test', true],
    ['*.bank.test', 'a.mx.bank.test', false],
    ['*.bank.test', 'bank.test', false],
    ['*.bank.test', 'evilbank.test', false],
    ['*.test', 'bank.test', true],
    ['*.test', 'test', false],
    ['bank.test', 'bank.test.evil', false],
  ])('%s: %s, %s', (pattern, host, expected) => {
    expect(names(pattern, host)).toBe(expected)
  })
})

describe('a policy is announced (RFC 8461 section 3.1)', () => {
  test.each([
    [['v=STSv1; id=20260101T000000;'], '20260101T000000'],
    [['v=STSv1; id=a'], 'a'],
    [['v=STSv1;id=a;x=y;'], 'a'],
    [['v=STSv1 ;\tx=y ; id=a ; '], 'a'],
    [['v=spf1 -all', 'v=STSv1; id=a', 'v=STSv12; id=b'], 'a'],
  ])('by %j', (records, id) => {
    expect(announcedPolicy(records)).toBe(id)
  })

  test.each([
    [[]],
    [['v=STSv1']],
    [['v=STSv1;']],
    [['v=STSv1; x=y']],
    [['v=STSv1; id=a', 'v=STSv1; id=b']],
    [['v=STSv1; id=a', 'v=STSv1; id=a']],
    [['v=STSv1; id=a; id=b']],
    [['id=a; v=STSv1']],
    [[' v=STSv1; id=a']],
    [['v=stsv1; id=a']],
    [['v=STSv1; id=']],
    [['v=STSv1; id=a b']],
    [['v=STSv1; id=a-b']],
    [[`v=STSv1; id=${'a'.repeat(33)}`]],
    [['v=STSv1; id=a;; x=y']],
    [['v=STSv1; id=a; x=é']],
    [[`v=STSv1; id=a; x=${'y'.repeat(1100)}`]],
  ])('not by %j', records => {
    expect(announcedPolicy(records)).toBeUndefined()
  })
})
