/** One part of a body of multipart/form-data, as it stands on the wire. */
export interface RawPart {
  readonly headers: readonly string[]
  readonly content: Uint8Array | string
}

/** The part `message`. */
export function messagePart(message: unknown): RawPart {
  return {
    headers: ['Content-Disposition: form-data; name="message"', 'Content-Type: application/json'],
    content: typeof message === 'string' ? message : JSON.stringify(message),
  }
}

export function attachmentPart(filename: string, contentType: string, content: Uint8Array | string): RawPart {
  return {
    headers: [
      `Content-Disposition: form-data; name="attachment"; filename="${filename}"`,
      `Content-Type: ${contentType}`,
    ],
    content,
  }
}

export function multipartBody(boundary: string, parts: readonly RawPart[]): Buffer {
  return Buffer.concat([
    ...parts.flatMap(({ headers, content }) => [
      Buffer.from(`--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ])
}
