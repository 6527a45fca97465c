import { createSealpostClient, verifyWebhook } from '../../../src/client/index.ts'
import type { Update } from '../../../src/contract/index.ts'
import type { Identity } from '../../../src/platform/pki/index.ts'
import type { Tongue } from './tongue.ts'

/** By the TypeScript client. */
export function byClient(baseUrl: string, authority: Identity, { certificate, key }: Identity): Tongue {
  const sealpost = createSealpostClient({ baseUrl, ca: authority.certificate, cert: certificate, key })
  return {
    check: message => sealpost.check(message),
    send: (message, idempotencyKey, file) =>
      sealpost.send(file === undefined ? message : { ...message, attachments: [file] }, { idempotencyKey }),
    status: id => sealpost.get(id),
    list: reference => sealpost.page({ reference }),
    async updates(id, last) {
      const heard: Update[] = []
      for await (const { type, timestamp, data } of sealpost.updates({ message: id })) {
        heard.push({ type, timestamp, data })
        if (type === last) break
      }
      return heard
    },
    cancel: id => sealpost.cancel(id),
    evidence: id => sealpost.evidence(id),
    verify: (headers, body, secret) => Promise.try(verifyWebhook, headers, body, secret),
    close() {
      sealpost.close()
      return Promise.resolve()
    },
  }
}
