import { Duplex } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { expect, test } from 'vitest'
import { envelope } from '../support/sessions.ts'

/**
 * What we rely on in nodemailer's connection: it takes a ready stream, touches it only as a stream and by `setTimeout`,
 * says EHLO, MAIL, RCPT and DATA and nothing else, with parameters in the order of src/delivery/smtp/commands.ts, and stuffs dots.
 */
test('nodemailer speaks over a stream that is no socket, and says only what is expected', async () => {
  let said = ''
  const touched = new Set<string>()
  const replies: Record<string, string> = {
    EHLO: '250-x\r\n250-SIZE\r\n250-DSN\r\n250 REQUIRETLS\r\n',
    MAIL: '250 x\r\n',
    RCPT: '250 x\r\n',
    DATA: '354 x\r\n',
  }
  const stream: Duplex = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString('latin1')
      said += text
      const reply = replies[text.slice(0, 4)]
      if (reply !== undefined) stream.push(reply)
      if (said.endsWith('\r\n.\r\n')) stream.push('250 x\r\n')
      done()
    },
  })
  Object.assign(stream, { setTimeout: () => stream })
  const connection = new SMTPConnection({
    connection: new Proxy(stream, {
      get(target, name) {
        if (typeof name === 'string' && !(name in Duplex.prototype) && !name.startsWith('_'))
          touched.add(name)
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }) as never,
    secure: true,
    secured: true,
    name: 'canary',
    logger: false,
  })
  stream.push('220 x\r\n')
  await new Promise(resolve => connection.connect(resolve))
  await new Promise((resolve, reject) => {
    const asked = {
      from: envelope.from,
      to: [envelope.to],
      size: 7,
      dsn: { ret: 'HDRS', envid: 'd1', notify: 'FAILURE,DELAY' },
      requireTLSExtensionEnabled: true,
    }
    connection.send(asked, Buffer.from('a\r\n.b\r\n'), (error, info) =>
      error === null ? resolve(info) : reject(error),
    )
  })
  connection.close()
  expect(said).toBe(
    [
      'EHLO canary',
      'MAIL FROM:<gateway@payments.test> SIZE=7 RET=HDRS ENVID=d1 REQUIRETLS',
      'RCPT TO:<ada@bank.test> NOTIFY=FAILURE,DELAY',
      'DATA\r\na\r\n..b\r\n.\r\n',
    ].join('\r\n'),
  )
  expect(touched).toContain('setTimeout')
  // Of the rest, the methods are asked for before they are called, the values go into a log that is off.
  expect(
    [...touched].filter(
      name =>
        ![
          'setTimeout',
          'setKeepAlive',
          'setNoDelay',
          'localAddress',
          'localPort',
          'remoteAddress',
          'remotePort',
        ].includes(name),
    ),
  ).toEqual([])
})
