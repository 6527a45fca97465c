import { buffer } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import type { Identity } from '../platform/pki/index.ts'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly bytes: Buffer
}

export interface MailServer {
  readonly port: number
  stop(): Promise<void>
}

/** A recipient's mail server on loopback: STARTTLS offered, plaintext mail refused, every message handed to `receive`. */
export async function startMailServer(
  identity: Identity,
  receive: (mail: ReceivedMail) => void,
): Promise<MailServer> {
  const server = new SMTPServer({
    secure: false,
    cert: identity.certificate,
    key: identity.key,
    authOptional: true,
    disabledCommands: ['AUTH'],
    disableReverseLookup: true,
    size: 64 * 1024 * 1024,
    onMailFrom(_address, session, done) {
      done(session.secure ? null : new Error('TLS is required'))
    },
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope
      buffer(stream).then(
        bytes => {
          receive({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(to => to.address),
            bytes,
          })
          done()
        },
        (error: unknown) => done(error instanceof Error ? error : new Error('read failed')),
      )
    },
  })
  // A client that breaks off is its own affair.
  server.on('error', () => undefined)
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    const listening = server.listen(0, '127.0.0.1', () => {
      const address = listening.address()
      if (address !== null && typeof address === 'object') resolve(address.port)
    })
  })
  return { port, stop: () => new Promise(resolve => server.close(() => resolve())) }
}
