import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeEvidence } from '../../src/cli/commands/audit/evidence/describe.ts'
import { formatVerifier, noteSigner } from '../../src/tlog/index.ts'
import { verifyEvidence } from '../../src/verifier/index.ts'
import { evidenceFile, Story } from '../support/evidence-story.ts'

// The key of the example in docs/audit-log.md: 32 octets 0x01.
const seed = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)])
const key = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' })
const signer = noteSigner('mail.example/audit-log', key)

const story = new Story('docs').open()
const { message, deliveries } = story.accept([story.enrol('disputes@acquirer.example')])
const [delivery] = deliveries
if (delivery !== undefined) {
  story.attempt(delivery, 1, 'deferred')
  story.attempt(delivery, 2, 'delivered')
}
const text = await evidenceFile(story, message, signer)
const page = readFileSync(new URL('../../docs/evidence.md', import.meta.url), 'utf8')

test('docs/evidence-sample.json is evidence, and the gateway would make it so', async () => {
  await expect(text).toMatchFileSnapshot('../../docs/evidence-sample.json')
  expect(verifyEvidence(text, { keys: [signer.verifier] })).toMatchObject({ ok: true })
})

test('docs/evidence.md shows what the verifier says of it', () => {
  const said = describeEvidence(verifyEvidence(text, { keys: [signer.verifier] }))
  expect(page).toContain(formatVerifier(signer.verifier))
  expect(page).toContain(`\n${said}\n`)
})
