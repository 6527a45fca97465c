import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { systemClock } from '../../src/kernel/index.ts'
import { formatVerifier } from '../../src/tlog/index.ts'
import { openWitness } from '../../src/witness/index.ts'
import { growingLog } from '../support/growing-log.ts'

// Each starts a process, which takes a second or two on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const run = promisify(execFile)
const program = fileURLToPath(new URL('../support/witness-process.ts', import.meta.url))

// `log` and `fork` part after four leaves: one of the two trees of eight is cosigned, at most, whatever happens in between.
test.each(['written', 'linked', 'durable'])(
  'killed when its newest checkpoint is %s, it never cosigns another tree of that size',
  async step => {
    const directory = mkdtempSync(join(tmpdir(), 'witness-'))
    try {
      const log = growingLog()
      const fork = growingLog(log.signer, { seed: 'other', same: 4 })
      const state = join(directory, 'state')
      const wish = { state, logs: [log.signer.verifier], defaultName: 'witness.test', clock: systemClock }
      const before = await openWitness(wish)
      expect(await before.addCheckpoint(await log.submission(0, 4))).toMatchObject({ status: 200 })

      const file = join(directory, 'submission')
      writeFileSync(file, await log.submission(4, 8))
      const key = formatVerifier(log.signer.verifier)
      await expect(run(process.execPath, [program, state, key, file, step])).rejects.toMatchObject({
        signal: 'SIGKILL',
        stdout: '',
      })

      const after = await openWitness(wish)
      const other = await after.addCheckpoint(await fork.submission(4, 8))
      const own = await after.addCheckpoint(await log.submission(8, 8))
      // What it had written down is what it knows: the fork meets it, and the log asks again.
      if (step === 'written') expect([other.status, own.status]).toEqual([200, 422])
      else expect([other.status, other.body, own.status]).toEqual([409, '8\n', 200])
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)
