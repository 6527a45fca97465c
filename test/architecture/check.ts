import process from 'node:process'
import { complaints, survey } from './cruise.ts'

const seen = await survey(process.cwd(), ['src', 'migrations'])
const wrong = complaints(seen)
for (const line of wrong) process.stderr.write(`${line}\n`)
process.stdout.write(
  `architecture: ${seen.modules} modules, ${seen.dependencies} dependencies, ${wrong.length} complaints\n`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
