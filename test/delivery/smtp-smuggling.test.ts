import { afterEach, expect, test } from 'vitest'
import { envelope, identity, mail, open, rawMail, rule } from '../support/sessions.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

let sink: Sink | undefined
afterEach(async () => {
  await sink?.stop()
  sink = undefined
})

const second = 'MAIL FROM:<evil@evil.test>\r\nRCPT TO:<eve@evil.test>\r\nDATA\r\nsmuggled\r\n.\r\n'

// CVE-2023-51764 to 51766: ends of data that one side sees and the other does not.
test.each([
  '\r\n.\r\n',
  '\n.\n',
  '\r.\r',
  '\n.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\n',
  '\0\r\n.\r\n',
  '\r\n\0.\r\n',
  '.\r\n',
])('a body with %j is one message, and what follows is a second one', async dot => {
  sink = await startSink(identity)
  const opening = await open(rule(sink.port))
  if (!opening.ok) throw new Error(opening.outcome)
  const { session } = opening
  expect(await session.send(envelope, rawMail(`Subject: [...]\r\n\r\na${dot}${second}`))).toMatchObject({
    outcome: 'delivered',
  })
  expect(await session.send(envelope, mail())).toMatchObject({ outcome: 'delivered' })
  session.close()
  expect(sink.mails.map(({ from, to }) => [from, to])).toEqual([
    [envelope.from, [envelope.to]],
    [envelope.from, [envelope.to]],
  ])
  expect(sink.mails[0]?.bytes.toString('latin1')).toContain('smuggled')
  expect(sink.mails[1]?.bytes.toString('latin1')).toMatch(/^From: /)
})

test('lines that begin with dots arrive as they were', async () => {
  sink = await startSink(identity)
  const opening = await open(rule(sink.port))
  if (!opening.ok) throw new Error(opening.outcome)
  const text = 'Subject: x\r\n\r\n.\r\n..\r\n.a\r\n...\r\n'
  await opening.session.send(envelope, rawMail(text))
  opening.session.close()
  expect(sink.mails[0]?.bytes.toString('latin1')).toBe(text)
})
