import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Stage } from './stage.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** An internal application: HTTPS with its certificate, trusting only the stage's CA. */
export interface Client {
  post(message: object): Promise<Answer>
  get(path: string): Promise<Answer>
  /** As {@link Client.get}, to the octet. */
  download(path: string): Promise<{ readonly status: number; readonly text: string }>
  close(): void
}

export function openClient(stage: Pick<Stage, 'client' | 'authority'>, port: number): Client {
  const agent = new Agent({
    ca: stage.authority.certificate,
    cert: stage.client.certificate,
    key: stage.client.key,
    keepAlive: true,
  })
  const send = (method: string, path: string, body?: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers =
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
      request({ host: 'localhost', port, method, path, agent, headers }, response => {
        text(response).then(answer => resolve({ status: response.statusCode ?? 0, text: answer }), reject)
      })
        .on('error', reject)
        .end(body)
    })
  const read = async (sent: ReturnType<typeof send>): Promise<Answer> => {
    const { status, text: body } = await sent
    return { status, body: JSON.parse(body) as unknown }
  }
  return {
    post: message => read(send('POST', '/v1/messages', JSON.stringify(message))),
    get: path => read(send('GET', path)),
    download: path => send('GET', path),
    close: () => agent.destroy(),
  }
}
