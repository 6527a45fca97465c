import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generatedPages } from '../../docs/pages.ts'
import { settings } from '../../src/config/index.ts'
import { errorCatalogue } from '../../src/kernel/index.ts'

const pages = generatedPages()

test.each(Object.keys(pages))('docs/%s is what `npm run docs` makes', name => {
  expect(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')).toBe(pages[name])
})

test('every code and every setting has its row', () => {
  for (const code of Object.keys(errorCatalogue)) expect(pages['errors.md']).toContain(`<a id="${code}">`)
  for (const name of Object.keys(settings)) expect(pages['configuration.md']).toContain(`| \`${name}\` |`)
})
