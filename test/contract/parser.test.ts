import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkMessage, faults, submitMessage } from '../../src/contract/index.ts'
import { parseMessage } from '../../src/sealer/inside/body/parse-message.ts'
import { MessageRefused } from '../../src/sealer/inside/body/refused.ts'
import { validators } from './document.ts'
import { changed, everyOddity, message } from './messages.ts'

const mebibyte = 1024 * 1024
const long = [
  'a'.repeat(4 * mebibyte),
  'a'.repeat(4 * mebibyte + 1),
  'ß'.repeat(2 * mebibyte),
  'ß'.repeat(2 * mebibyte + 1),
]
const schemas = { required: submitMessage, optional: checkMessage }

function parsed(json: string, content: 'required' | 'optional') {
  try {
    return { taken: true, message: parseMessage(Buffer.from(json), content), faults: [] }
  } catch (error) {
    if (!(error instanceof MessageRefused)) throw error
    return { taken: false, message: undefined, faults: error.refusal.errors.map(({ code }) => code) }
  }
}

describe('the parser in the sealer and the schemas of the contract', () => {
  test.each(['required', 'optional'] as const)(
    'take and refuse the same messages, content %s',
    async content => {
      // The document says nothing of dates that no calendar has, nor of what UTF-8 cannot carry: it may take more, never less.
      const document = await validators({
        required: '/components/schemas/SubmitMessage',
        optional: '/components/schemas/CheckMessage',
      })
      const schema = schemas[content]
      const seen = { taken: 0, refused: 0 }
      const look = (value: unknown): void => {
        const json = JSON.stringify(value)
        const verdict = parsed(json, content)
        seen[verdict.taken ? 'taken' : 'refused']++
        const told: unknown = JSON.parse(json)
        const taken = schema.safeParse(told).success
        if (taken !== verdict.taken) throw new Error(`the schema says ${taken}: ${json.slice(0, 2_000)}`)
        if (taken && !document[content](told)) throw new Error(`the document refuses ${json.slice(0, 2_000)}`)
        for (const fault of verdict.faults) expect(Object.keys(faults)).toContain(fault)
      }
      for (const value of everyOddity()) look(value)
      for (const text of long) look({ from: 'a@b.example', to: ['c@d.example'], subject: 's', text })
      const anything = fc.oneof(message, message.chain(changed), message.chain(changed).chain(changed))
      fc.assert(fc.property(anything, look), { numRuns: 1_000 })
      expect(seen.taken).toBeGreaterThan(300)
      expect(seen.refused).toBeGreaterThan(300)
    },
  )

  test('read the same out of a message', () => {
    fc.assert(
      fc.property(message, value => {
        const { message: read } = parsed(JSON.stringify(value), 'optional')
        const { from, to, subject, text, html, attachments = [], reference, replyTo, expiresAt } = value
        expect(read).toMatchObject({
          metadata: {
            from,
            to,
            reference,
            replyTo,
            expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
          },
          subject,
          stripMetadata: value.stripMetadata ?? false,
        })
        expect([read?.text, read?.html].map(each => each && Buffer.from(each).toString())).toEqual([
          text,
          html,
        ])
        expect(
          read?.attachments.map(each => ({ ...each, content: Buffer.from(each.content).toString('base64') })),
        ).toEqual(attachments)
      }),
      { numRuns: 500 },
    )
  })
})
