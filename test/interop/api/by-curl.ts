import { spawn } from 'node:child_process'
import type {
  AcceptedMessage,
  CheckReport,
  MessageList,
  MessageStatus,
  Update,
} from '../../../src/contract/index.ts'
import type { Identity } from '../../../src/platform/pki/index.ts'
import { saysPython } from '../../webhooks/documented.ts'
import { openWorkplace, run } from '../run.ts'
import type { Tongue } from './tongue.ts'

/** By curl, as docs/api.md shows it. Webhook calls are checked by Python, as docs/webhooks.md shows it. */
export async function byCurl(baseUrl: string, authority: Identity, client: Identity): Promise<Tongue> {
  const workplace = await openWorkplace()
  const ca = await workplace.file('ca.pem', authority.certificate)
  const cert = await workplace.file('client.pem', client.certificate)
  const key = await workplace.file('client.key', client.key)
  const identity = ['--silent', '--show-error', '--cacert', ca, '--cert', cert, '--key', key]

  const ask = async (path: string, ...args: readonly string[]): Promise<string> => {
    const told = ['--write-out', '\n%{http_code}', ...args, `${baseUrl}${path}`]
    const { output } = await run('curl', [...identity, ...told])
    const [, text = '', status = ''] = /^([^]*)\n(\d{3})$/.exec(output.toString()) ?? []
    if (status.startsWith('2')) return text
    const { code } = JSON.parse(text) as { code: string }
    throw Object.assign(new Error(`${path} answered ${status} ${code}`), { code })
  }
  const json = async <Answer>(path: string, ...args: readonly string[]): Promise<Answer> =>
    JSON.parse(await ask(path, ...args)) as Answer
  const body = ['-H', 'Content-Type: application/json', '--data-binary']

  return {
    check: message => json<CheckReport>('/v1/messages/check', ...body, JSON.stringify(message)),
    async send(message, idempotencyKey, file) {
      const headers = ['-H', `Idempotency-Key: "${idempotencyKey}"`]
      const text = JSON.stringify(message)
      if (file === undefined) return json<AcceptedMessage>('/v1/messages', ...headers, ...body, text)
      const part = await workplace.file('message.json', text)
      const path = await workplace.file('attachment', file.content)
      const attachment = `attachment=@${path};type=${file.contentType};filename="${file.filename}"`
      const form = ['-F', `message=<${part};type=application/json`, '-F', attachment]
      return json<AcceptedMessage>('/v1/messages', ...headers, ...form)
    },
    status: id => json<MessageStatus>(`/v1/messages/${id}`),
    list: reference =>
      json<MessageList>('/v1/messages', '--get', '--data-urlencode', `reference=${reference}`),
    async updates(id, last) {
      const heard: Update[] = []
      const curl = spawn('curl', [...identity, '--no-buffer', `${baseUrl}/v1/messages/${id}/updates`])
      let text = ''
      for await (const piece of curl.stdout.setEncoding('utf8') as AsyncIterable<string>) {
        text += piece
        const events = text.split('\n\n')
        text = events.pop() ?? ''
        for (const event of events) {
          const [, data] = /^data: (.*)$/m.exec(event) ?? []
          if (data !== undefined) heard.push(JSON.parse(data) as Update)
        }
        if (heard.some(({ type }) => type === last)) break
      }
      curl.kill()
      return heard
    },
    cancel: id => json<MessageStatus>(`/v1/messages/${id}/cancel`, '--request', 'POST'),
    evidence: id => ask(`/v1/messages/${id}/evidence`, '--retry', '10'),
    verify(headers, call, secret) {
      const [said] = saysPython([{ headers, body: call, secrets: [secret] }]) as readonly unknown[]
      return typeof said === 'string' ? Promise.reject(new Error(said)) : Promise.resolve(said)
    },
    close: async () => workplace[Symbol.asyncDispose](),
  }
}
