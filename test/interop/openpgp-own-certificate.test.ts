import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { armour } from '../../src/kernel/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { address } from '../sealer/support.ts'
import { GnuPg } from './gnupg.ts'
import { generateWithGosop } from './gosop.ts'
import { attempt, openWorkplace, run } from './run.ts'
import { inspectWithSequoia } from './sequoia.ts'

let fingerprint: string
let forms: Record<'binary, as WKD serves it' | 'armoured, as custody init prints it', Buffer>

beforeAll(async () => {
  const { wrapped, certificate } = await generateSigningKey(address('gateway@pay.test'), randomBytes(32))
  fingerprint = wrapped.fingerprint
  forms = {
    'binary, as WKD serves it': Buffer.from(certificate),
    'armoured, as custody init prints it': Buffer.from(armour('PUBLIC KEY BLOCK', certificate)),
  }
})

describe.each(['binary, as WKD serves it', 'armoured, as custody init prints it'] as const)(
  "the gateway's own certificate, %s",
  form => {
    test('is imported by gpg, without a word of complaint', async () => {
      await using gpg = await GnuPg.open()
      const { complaint } = await gpg.run(['--import'], forms[form])
      expect(complaint).toMatch(/imported: 1$/m)
      expect(complaint).not.toMatch(/warning|error|skipped|invalid/i)
      expect(await gpg.lists(fingerprint)).toBe(true)
    })

    test('is read by sq as a certificate that signs', async () => {
      const listed = await inspectWithSequoia(forms[form])
      expect(listed).toContain('OpenPGP Certificate.')
      expect(listed).toContain(fingerprint)
      expect(listed).toMatch(/Key flags: .*signing/)
      expect(listed).toContain('gateway@pay.test')
      expect(listed).not.toMatch(/invalid|bad|secret/i)
    })

    test('is read by gosop as a certificate to verify with', async () => {
      await using work = await openWorkplace()
      const data = Buffer.from('signed by somebody else')
      const { secretKey, certificate } = await generateWithGosop('other@pay.test')
      const { output } = await run('gosop', ['sign', await work.file('key', secretKey)], data)
      const signature = await work.file('signature', output)
      const known = await work.file('known', certificate)
      const ours = await work.file('ours', forms[form])
      await run('gosop', ['verify', signature, known, ours], data)
      // 3 is NO_SIGNATURE in the SOP interface: the certificate was read, and the signature is not its.
      const verdict = await attempt('gosop', ['verify', signature, ours], data)
      expect(verdict.status, verdict.complaint).toBe(3)
    })
  },
)
