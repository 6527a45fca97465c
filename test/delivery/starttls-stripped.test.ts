import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { deliver, identity, rule, secretWords } from '../support/sessions.ts'
import { type HostileServer, type ScriptedClient, startHostile } from '../support/smtp-sink.ts'

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

type Script = (client: ScriptedClient) => Promise<void>

/** Answers each line, for as long as the client speaks, with a yes. */
async function agreeToAnything(client: ScriptedClient): Promise<void> {
  for (let line = await client.line(); line !== undefined; line = await client.line()) {
    client.send(line === 'DATA' ? '354 go on\r\n' : '250 fine\r\n')
  }
}

const greet = (client: ScriptedClient): void => client.send('220 mx.test ESMTP\r\n')

const attacks: Record<string, { outcome: string; script: Script }> = {
  'STARTTLS is not offered': {
    outcome: 'tls_not_offered',
    async script(client) {
      greet(client)
      await client.line()
      client.send('250-mx.test\r\n250 SIZE 1000\r\n')
      await agreeToAnything(client)
    },
  },
  'STARTTLS stands only inside another word': {
    outcome: 'tls_not_offered',
    async script(client) {
      greet(client)
      await client.line()
      client.send('250-mx.test STARTTLS\r\n250-XSTARTTLS\r\n250 NO STARTTLS\r\n')
      await agreeToAnything(client)
    },
  },
  'EHLO is refused for good': {
    outcome: 'server_refused',
    async script(client) {
      greet(client)
      await client.line()
      client.send('502 5.5.1 not implemented\r\n')
      await agreeToAnything(client)
    },
  },
  'EHLO is refused, HELO would do': {
    outcome: 'server_refused',
    async script(client) {
      greet(client)
      for (let line = await client.line(); line !== undefined; line = await client.line()) {
        client.send(line.startsWith('EHLO') ? '500 HELO only\r\n' : '250 fine\r\n')
      }
    },
  },
  'STARTTLS is refused for good': { outcome: 'tls_refused', script: answerStartTls('554 5.7.3 no TLS\r\n') },
  'STARTTLS is refused for now': { outcome: 'tls_refused', script: answerStartTls('454 not now\r\n') },
  'STARTTLS is answered 250': { outcome: 'protocol_violation', script: answerStartTls('250 sure\r\n') },
  'STARTTLS is answered 421': { outcome: 'tls_refused', script: answerStartTls('421 bye\r\n') },
  'bytes follow the STARTTLS reply': {
    outcome: 'starttls_injection',
    script: answerStartTls('220 go\r\n250-mx.test\r\n250 AUTH PLAIN\r\n', true),
  },
  'half a line follows the STARTTLS reply': {
    outcome: 'starttls_injection',
    script: answerStartTls('220 go\r\n250', true),
  },
  'a second reply to EHLO answers STARTTLS in advance': {
    outcome: 'protocol_violation',
    async script(client) {
      greet(client)
      await client.line()
      client.send('250-mx.test\r\n250 STARTTLS\r\n220 go\r\n')
      await client.line()
      await client.startTls()
      await agreeToAnything(client)
    },
  },
  'the greeting says that the session is authenticated already': {
    outcome: 'protocol_violation',
    async script(client) {
      client.send('250 PREAUTH welcome\r\n')
      await agreeToAnything(client)
    },
  },
  'two greetings': {
    outcome: 'protocol_violation',
    async script(client) {
      client.send('220 mx.test\r\n220 mx.test\r\n')
      await agreeToAnything(client)
    },
  },
  'the greeting is a refusal for good': {
    outcome: 'server_refused',
    async script(client) {
      client.send('554 no service\r\n')
      await agreeToAnything(client)
    },
  },
  'the greeting is 421': {
    outcome: 'server_busy',
    async script(client) {
      client.send('421 too many connections\r\n')
      await agreeToAnything(client)
    },
  },
  'the handshake is answered with plain text': {
    outcome: 'starttls_injection',
    async script(client) {
      await answerStartTls('220 go\r\n')(client)
      await once(client.socket, 'data')
      client.send('250 who needs TLS\r\n'.repeat(4))
    },
  },
}

function answerStartTls(reply: string, thenTls = false): Script {
  return async client => {
    greet(client)
    await client.line()
    client.send('250-mx.test\r\n250 STARTTLS\r\n')
    await client.line()
    client.send(reply)
    if (thenTls) await client.startTls()
    if (!reply.startsWith('220')) await agreeToAnything(client)
  }
}

describe('nothing but EHLO and STARTTLS is said in clear, and the delivery waits, when', () => {
  test.each(Object.entries(attacks))('%s', async (_name, { outcome, script }) => {
    server = await startHostile(identity, script)
    expect(await deliver(rule(server.port))).toMatchObject({ outcome })
    expect(server.clear()).not.toMatch(secretWords)
    expect(server.clear().replace(/[^\r\n\x20-\x7e][\s\S]*$/, '')).toMatch(
      /^(?:EHLO gateway\.test\r\n(?:STARTTLS\r\n)?)?$/,
    )
    expect(server.secret()).toBe('')
  })
})
