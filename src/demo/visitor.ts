import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Stage } from './stage.ts'

export interface Page {
  readonly status: number
  readonly body: string
}

/** A person's browser, without a screen: keeps cookies, sends forms, follows redirects of its own site. */
export interface Visitor {
  open(path: string): Promise<Page>
  /** Sends a form as a page of the same site does. Throws unless it ends at a page with a status below 400. */
  submit(path: string, fields?: Readonly<Record<string, string>>): Promise<Page>
  /** Asks the JSON API in the name of who is signed in. Throws on an error, with the answer. */
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>
  close(): void
}

interface Request {
  readonly method: string
  readonly path: string
  readonly type?: string
  readonly body?: string
}

export function openVisitor(stage: Pick<Stage, 'authority'>, port: number): Visitor {
  const agent = new Agent({ ca: stage.authority.certificate, keepAlive: true })
  const origin = `https://localhost:${port}`
  const cookies = new Map<string, string>()

  const send = ({ method, path, type, body }: Request): Promise<Page & { location: string | undefined }> =>
    new Promise((resolve, reject) => {
      const headers = {
        origin,
        'sec-fetch-site': 'same-origin',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
      }
      request({ host: 'localhost', port, method, path, agent, headers }, response => {
        for (const cookie of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
          if (value === '') cookies.delete(name)
          else cookies.set(name, value)
        }
        const { statusCode: status = 0, headers: answered } = response
        text(response).then(
          content => resolve({ status, body: content, location: answered.location }),
          reject,
        )
      })
        .on('error', reject)
        .end(body)
    })

  const visit = async (asked: Request): Promise<Page> => {
    let answer = await send(asked)
    for (let hops = 0; answer.location !== undefined && answer.status < 400 && hops < 5; hops++) {
      const { pathname, search } = new URL(answer.location, origin)
      answer = await send({ method: 'GET', path: pathname + search })
    }
    return { status: answer.status, body: answer.body }
  }

  return {
    open: path => visit({ method: 'GET', path }),
    async submit(path, fields = {}) {
      const type = 'application/x-www-form-urlencoded'
      const page = await visit({ method: 'POST', path, type, body: new URLSearchParams(fields).toString() })
      if (page.status >= 400) throw new Error(`${path} answered ${page.status}: ${page.body}`)
      return page
    },
    async call(method, path, body) {
      const type = 'application/json'
      const { status, body: answer } = await send({
        method,
        path,
        ...(body === undefined ? {} : { type, body: JSON.stringify(body) }),
      })
      if (status >= 400) throw new Error(`${path} answered ${status}: ${answer}`)
      return answer === '' ? undefined : (JSON.parse(answer) as unknown)
    },
    close: () => agent.destroy(),
  }
}
