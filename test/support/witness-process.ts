import { readFileSync } from 'node:fs'
import { systemClock } from '../../src/kernel/index.ts'
import { parseVerifier } from '../../src/tlog/index.ts'
import { openWitness } from '../../src/witness/index.ts'

/** A witness that gets one submission, out of a file, and is killed at a step of writing it down; `none` for no such step. */
const [state = '', log = '', body = '', step] = process.argv.slice(2)

const witness = await openWitness({
  state,
  logs: [parseVerifier(log)],
  defaultName: 'witness.test',
  clock: systemClock,
  reached(reached) {
    if (reached === step) process.kill(process.pid, 'SIGKILL')
  },
})
const { status, body: answer } = await witness.addCheckpoint(readFileSync(body))
process.stdout.write(JSON.stringify({ status, answer }))
