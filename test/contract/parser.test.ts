import { registerSchema, unregisterSchema, validate } from '@hyperjump/json-schema/openapi-3-1'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkMessage, faults, submitMessage } from '../../src/contract/index.ts'
import { describeApi } from '../../src/http/docs/document.ts'
import { MessageRefused } from '../../src/sealer/inside/body/refused.ts'
import { parseMessage } from '../../src/sealer/inside/parse-message.ts'
import { changed, everyOddity, message } from './messages.ts'

const dialect = 'https://spec.openapis.org/oas/3.1/dialect/base'
type Document = Parameters<typeof registerSchema>[0]

/** What the schemas of the document say of a message; not of dates that no calendar has, nor of what UTF-8 cannot carry. */
async function documented() {
  const uri = 'https://sealpost.test/parser.json'
  registerSchema(JSON.parse(JSON.stringify(describeApi())) as Document, uri, dialect)
  try {
    return {
      required: await validate(`${uri}#/components/schemas/SubmitMessage`),
      optional: await validate(`${uri}#/components/schemas/CheckMessage`),
    }
  } finally {
    unregisterSchema(uri)
  }
}

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
      const document = await documented()
      const schema = schemas[content]
      const seen = { taken: 0, refused: 0 }
      fc.assert(
        fc.property(
          fc.oneof(message, message.chain(changed), message.chain(changed).chain(changed)),
          value => {
            const json = JSON.stringify(value)
            const verdict = parsed(json, content)
            seen[verdict.taken ? 'taken' : 'refused']++
            const told = JSON.parse(json) as Parameters<(typeof document)['required']>[0]
            expect(schema.safeParse(told).success).toBe(verdict.taken)
            if (verdict.taken) expect(document[content](told).valid).toBe(true)
            for (const fault of verdict.faults) expect(Object.keys(faults)).toContain(fault)
          },
        ),
        { numRuns: 4_000 },
      )
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
