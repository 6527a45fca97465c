import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { questionOnTls, secureCommunication } from '../../docs/compliance.ts'
import { auditLogs } from '../../docs/compliance-audit.ts'

const root = new URL('../../', import.meta.url)
const rows = [...secureCommunication, ...questionOnTls, ...auditLogs]

describe.each(rows)('$row', ({ state, tests, missing, evidence }) => {
  test('names tests that are there', () => {
    for (const { path, title } of tests) {
      const file = new URL(path, root)
      expect(existsSync(file), path).toBe(true)
      expect(titlesIn(readFileSync(file, 'utf8')), path).toContain(title)
    }
  })

  test('says what is missing exactly when something is, and what shows the rest', () => {
    expect(missing === undefined).toBe(state === 'yes')
    if (state !== 'not yet') expect(tests.length).toBeGreaterThan(0)
    expect(evidence).not.toBe('')
  })
})

test('no row twice', () => {
  expect(new Set(rows.map(({ row }) => row)).size).toBe(rows.length)
})

/** Whatever stands between quotes: titles, and the rows of a `test.each`. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/'([^'\n]+)'|"([^"\n]+)"|`([^`]+)`/g)].map(
    ([, single, double, template]) => single ?? double ?? template ?? '',
  )
}
