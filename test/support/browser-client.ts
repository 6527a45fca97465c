import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What a browser does, without drawing anything: keeps cookies, says where a request comes from, sends forms. */
export interface BrowserClient {
  /** What it would send with its next request; tests may plant one. */
  readonly cookies: Map<string, string>
  /** Does not follow redirects. */
  get(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** A form of the same site. Headers of the test win; undefined takes one away. */
  submit(
    path: string,
    fields?: Readonly<Record<string, string>>,
    headers?: OutgoingHttpHeaders,
  ): Promise<Answer>
  /** A multipart form with one file. */
  upload(path: string, field: string, content: Uint8Array): Promise<Answer>
  /** A call of the JSON API under the same cookies. */
  call(method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** A body just as it is, from a page of the same site. */
  post(path: string, type: string, body: string | Uint8Array, headers?: OutgoingHttpHeaders): Promise<Answer>
  close(): void
}

/** @param origin the one that the listener expects; its host name must be in the server's certificate */
export function openBrowser({
  port,
  ca,
  origin,
}: {
  readonly port: number
  readonly ca: string
  readonly origin: string
}): BrowserClient {
  const { hostname, host } = new URL(origin)
  const agent = new Agent({ ca, keepAlive: true, servername: hostname })
  const cookies = new Map<string, string>()

  const send = (
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    body: string | Uint8Array = '',
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const all: OutgoingHttpHeaders = {
        host,
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(pair => pair.join('=')).join('; ') }),
        ...(method === 'GET' || method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      }
      const told = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      request({ host: '127.0.0.1', port, method, path, agent, headers: told }, response => {
        for (const cookie of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
          if (value === '') cookies.delete(name)
          else cookies.set(name, value)
        }
        const { statusCode: status = 0, headers: given } = response
        text(response).then(content => resolve({ status, headers: given, text: content }), reject)
      })
        .on('error', reject)
        .end(body)
    })

  const own = { origin, 'sec-fetch-site': 'same-origin' }
  return {
    cookies,
    get: (path, headers = {}) => send('GET', path, { 'sec-fetch-site': 'none', ...headers }),
    submit: (path, fields = {}, headers = {}) =>
      send(
        'POST',
        path,
        { ...own, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        new URLSearchParams(fields).toString(),
      ),
    upload(path, field, content) {
      const boundary = '----formdata-sealpost-test'
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="key.asc"\r\nContent-Type: application/octet-stream\r\n\r\n`
      const body = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)])
      return send('POST', path, { ...own, 'content-type': `multipart/form-data; boundary=${boundary}` }, body)
    },
    call: (method, path, body, headers = {}) =>
      body === undefined
        ? send(method, path, { ...own, ...headers })
        : send(
            method,
            path,
            { ...own, 'content-type': 'application/json', ...headers },
            JSON.stringify(body),
          ),
    post: (path, type, body, headers = {}) =>
      send('POST', path, { ...own, 'content-type': type, ...headers }, body),
    close: () => agent.destroy(),
  }
}
