import PostalMime from 'postal-mime'
import { expect } from 'vitest'
import type { OuterHeaders } from '../../src/sealer/host/index.ts'
import type { Sample } from './samples.ts'

/**
 * That a decrypted entity is what was sent. Two readers: postal-mime, as a mail program would read it, and a few lines
 * that split it by RFC 2046 and repair nothing, for the octets of texts.
 */
export async function expectSent(
  entity: Buffer,
  sample: Sample,
  from: string,
  outer: OuterHeaders,
): Promise<void> {
  const mail = await PostalMime.parse(entity, { attachmentEncoding: 'arraybuffer' })
  expect(mail.subject ?? '').toBe(sample.subject)
  expect(mail.from?.address).toBe(from)
  expect(mail.to?.map(({ address }) => address)).toEqual([outer.to])
  expect(mail.messageId).toBe(outer.messageId)
  const received = mail.attachments.map(({ filename, mimeType, content }) => ({
    filename,
    contentType: mimeType,
    // Hex, for a difference of two megabytes would be shown octet by octet.
    bytes: Buffer.from(content as ArrayBuffer).toString('hex'),
  }))
  const sent = (sample.attachments ?? []).map(({ bytes, ...rest }) => ({
    ...rest,
    bytes: bytes.toString('hex'),
  }))
  expect(received).toEqual(sent)
  if (sample.text !== undefined) expect(shown(mail.text)).toBe(shown(sample.text))
  if (sample.html !== undefined) expect(shown(mail.html)).toBe(shown(sample.html))

  const leaves = leavesOf(entity.toString('latin1'))
  expect(leaves.get('text/plain')).toEqual(sample.text)
  expect(leaves.get('text/html')).toEqual(sample.html)
  expectHeaderProtection(mail.headers, outer)
}

/** RFC 9788 section 2: the root says `hp="cipher"`, and HP-Outer has each outer field as it was sent. */
function expectHeaderProtection(
  headers: readonly { key: string; value: string }[],
  outer: OuterHeaders,
): void {
  const type = headers.find(({ key }) => key === 'content-type')?.value
  expect(type).toMatch(/;\s*hp="cipher"/)
  expect(headers.filter(({ key }) => key === 'hp-outer').map(({ value }) => value)).toEqual([
    `From: ${outer.from}`,
    `To: ${outer.to}`,
    `Date: ${outer.date}`,
    `Message-ID: ${outer.messageId}`,
    'Subject: [...]',
  ])
}

/** As a screen has it: programs may write line ends as they like, and one more at the end. */
function shown(text = ''): string {
  return text.replace(/\r\n?/g, '\n').replace(/\n+$/, '')
}

function leavesOf(entity: string): Map<string, string> {
  const end = entity.indexOf('\r\n\r\n')
  const head = entity.slice(0, end).replace(/\r\n[ \t]/g, ' ')
  const body = entity.slice(end + 4)
  const type = /^Content-Type: ([a-z0-9/+.-]+)/im.exec(head)?.[1] ?? ''
  const boundary = /boundary="([^"]+)"/.exec(head)?.[1]
  if (boundary === undefined) {
    expect(head).toMatch(/^Content-Transfer-Encoding: base64$/m)
    return new Map([[type, Buffer.from(body, 'base64').toString()]])
  }
  const parts = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, -1)
  return new Map(parts.flatMap(part => [...leavesOf(part.slice(2))]))
}
