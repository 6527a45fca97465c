import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { generatedPages } from './pages.ts'

// `npm run docs`: writes the pages that are made from the code. test/docs/generated.test.ts sees that they are current.
for (const [name, content] of Object.entries(generatedPages())) {
  writeFileSync(new URL(name, import.meta.url), content)
  process.stdout.write(`docs/${name}\n`)
}
