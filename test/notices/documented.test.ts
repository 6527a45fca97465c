import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { templates } from '../../src/notices/notice.ts'

test('docs/notices.md names every kind with its subject, and no other', () => {
  const text = readFileSync(new URL('../../docs/notices.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([a-z_]+)` \| (.+?)(?: \(outside: .*\))? \|/gm)]
  expect(Object.fromEntries(rows.map(([, kind = '', subject]) => [kind, subject]))).toEqual(
    Object.fromEntries(Object.entries(templates).map(([kind, { subject }]) => [kind, subject])),
  )
})
