import { performance } from 'node:perf_hooks'
import { generateKey } from 'openpgp'
import { type Address, systemClock } from '../src/kernel/index.ts'
import { certificatePolicy, loadPolicy } from '../src/policy/index.ts'
import { openInspector } from '../src/sealer/host/index.ts'

const address = 'reader@bank.test' as Address
const kinds = {
  curve25519: { type: 'ecc', curve: 'curve25519Legacy' },
  rsa4096: { type: 'rsa', rsaBits: 4096 },
} as const

/** Verdicts per second of one kept process, on a certificate of this kind. */
export async function measureInspecting(kind: keyof typeof kinds, seconds: number): Promise<number> {
  const { publicKey } = await generateKey({ ...kinds[kind], userIDs: { email: address }, format: 'object' })
  const certificate = publicKey.write()
  const policy = certificatePolicy(loadPolicy('standard'))
  const at = systemClock.now()
  await using opened = new AsyncDisposableStack()
  const inspector = opened.adopt(openInspector(), open => open.close())
  let answered = 0
  let end = performance.now() + 1000
  const work = async () => {
    while (performance.now() < end) {
      const { verdict, reasons } = await inspector.inspect(certificate, address, at, policy)
      if (verdict !== 'accept') throw new Error(reasons.join(', '))
      answered++
    }
  }
  const run = () => Promise.all(Array.from({ length: 8 }, work))
  await run() // warm: the first second is compilation
  answered = 0
  const start = performance.now()
  end = start + seconds * 1000
  await run()
  return answered / ((performance.now() - start) / 1000)
}
