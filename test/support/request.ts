import { type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { House } from './house.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** One HTTPS request exactly as told, with whatever certificate is given. Rejects when there is no answer. */
export function send(
  house: Pick<House, 'port' | 'authority'>,
  options: RequestOptions,
  body: string | Buffer | Iterable<string> = '',
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: 'localhost', port: house.port, ca: house.authority.certificate, agent: false, ...options },
      response => {
        text(response).then(
          answer => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer }),
          reject,
        )
      },
    )
    outgoing.on('error', reject)
    if (typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body)
    else {
      for (const chunk of body) outgoing.write(chunk)
      outgoing.end()
    }
  })
}

/** What the server says to raw bytes over TLS, until it closes; empty when it closes without a word. */
export function sendRaw(
  house: Pick<House, 'port' | 'authority'>,
  tls: ConnectionOptions,
  bytes: string,
): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const socket: TLSSocket = connect(
      {
        host: 'localhost',
        servername: 'localhost',
        port: house.port,
        ca: house.authority.certificate,
        ...tls,
      },
      () => socket.write(bytes, 'latin1'),
    )
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      answer += chunk
      if (/\r\n\r\n[^]*\}$/.test(answer)) socket.end()
    })
    socket.on('error', () => resolve(answer))
    socket.on('close', () => resolve(answer))
  })
}
