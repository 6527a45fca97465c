import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Halves the start of a command. Beside the packages, where whoever can write can change the program itself; where nobody may
// write, as in the container image, there is none.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/sealpost', import.meta.url)))

const { runCommand } = await import('./run.ts')
process.exitCode = await runCommand(process.argv.slice(2))
