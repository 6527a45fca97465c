import { afterEach, describe, expect, test } from 'vitest'
import { deliver, envelope, identity, mail, open, rule } from '../support/sessions.ts'
import { type HostileServer, type ScriptedClient, startHostile } from '../support/smtp-sink.ts'

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

type Verb = 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | '.' | 'QUIT'
type Answers = Partial<Record<Verb, string | ((client: ScriptedClient) => void)>>

const proper: Record<Verb, string> = {
  EHLO: '250 mx.test\r\n',
  MAIL: '250 2.1.0 ok\r\n',
  RCPT: '250 2.1.5 ok\r\n',
  DATA: '354 go on\r\n',
  '.': '250 2.0.0 queued\r\n',
  QUIT: '221 bye\r\n',
}

/** An authenticated server, over implicit TLS, that answers as told. */
async function start(answers: Answers, greeting = '220 mx.test\r\n'): Promise<number> {
  server = await startHostile(identity, async client => {
    await client.startTls()
    client.send(greeting)
    let content = false
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (content && line !== '.') continue
      content = line === 'DATA'
      const verb = (line === '.' ? '.' : line.slice(0, 4)) as Verb
      const answer = answers[verb] ?? proper[verb]
      if (typeof answer === 'string') client.send(answer)
      else answer(client)
    }
  })
  return server.port
}

const sent = async (answers: Answers, greeting?: string): Promise<unknown> =>
  (await deliver(rule(await start(answers, greeting), undefined, 'implicit'))).outcome

describe('a reply that is not exactly RFC 5321 is never taken for success:', () => {
  const odd: Record<string, string> = {
    'one digit': '2 ok\r\n',
    'four digits': '2500 ok\r\n',
    'no separator': '250ok\r\n',
    'an impossible code': '290 ok\r\n',
    'another success code': '220 ok\r\n',
    'an intermediate code': '354 go on\r\n',
    'a bare LF': '250 ok\n',
    'a bare CR': '250 ok\r250 ok\r\n',
    'two codes in one reply': '250-ok\r\n554 no\r\n',
    'a failure that ends as success': '554-no\r\n250 ok\r\n',
    'a NUL': '250 o\0k\r\n',
    'an empty line': '\r\n250 ok\r\n',
    'a leading space': ' 250 ok\r\n',
    'two replies': '250 ok\r\n250 ok\r\n',
    'a line without end': `250 ${'x'.repeat(2000)}`,
    'a long line': `250 ${'x'.repeat(1100)}\r\n`,
    'too many lines': `${'250-x\r\n'.repeat(200)}250 x\r\n`,
  }
  test.each(Object.entries(odd))('%s, to MAIL FROM', async (name, reply) => {
    expect(await sent({ MAIL: reply })).toBe('protocol_violation')
    expect(server?.secret(), name).not.toContain('BEGIN PGP')
  })
  test.each(Object.entries(odd).filter(([name]) => name !== 'two replies'))(
    '%s, to the final dot',
    async (_name, reply) => {
      expect(await sent({ '.': reply })).toBe('protocol_violation')
    },
  )
  test.each(['250 ok\r\n', '220 ok\r\n', '3 go\r\n', '350 go\r\n'])('%j to DATA', async reply => {
    expect(await sent({ DATA: reply })).toBe('protocol_violation')
    expect(server?.secret()).not.toContain('BEGIN PGP')
  })
  test.each(['2 ok\r\n', '220 ok\r\n', '250 x\r\n250 x\r\n'])('%j to EHLO', async reply => {
    expect(await sent({ EHLO: reply })).toBe('protocol_violation')
    expect(server?.secret()).not.toContain('MAIL')
  })
})

describe('a reply to nothing', () => {
  test('after EHLO is not taken for the reply to MAIL FROM', async () => {
    const port = await start({})
    const opening = await open(rule(port, undefined, 'implicit'))
    if (!opening.ok) throw new Error(opening.outcome)
    await opening.session.send(envelope, mail())
    expect(opening.session.usable).toBe(true)
    opening.session.close()

    const chatty = await start({ '.': client => client.send('250 queued\r\n250 and more\r\n') })
    const second = await open(rule(chatty, undefined, 'implicit'))
    if (!second.ok) throw new Error(second.outcome)
    // The first 250 was asked for. What follows ends the connection, so that it can answer nothing else.
    expect(await second.session.send(envelope, mail())).toMatchObject({ outcome: 'delivered' })
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(second.session.usable).toBe(false)
    expect(await second.session.send(envelope, mail())).toMatchObject({ outcome: 'connection_lost' })
  })
  test('before the final dot is not taken for the reply to it', async () => {
    expect(await sent({ DATA: '354 go on\r\n250 queued\r\n' })).toBe('protocol_violation')
  })
  test('shifts no other, with pipelining', async () => {
    expect(await sent({ EHLO: '250-mx.test\r\n250 PIPELINING\r\n', MAIL: '250 ok\r\n250 ok\r\n' })).toBe(
      'protocol_violation',
    )
    expect(server?.secret()).not.toContain('BEGIN PGP')
  })
})

describe('what the server refuses is named', () => {
  test.each([
    [{ MAIL: '550 5.7.1 not you\r\n' }, 'sender_rejected'],
    [{ RCPT: '550 5.1.1 unknown\r\n' }, 'mailbox_unknown'],
    [{ RCPT: '550 unknown\r\n' }, 'mailbox_rejected'],
    [{ RCPT: '552 5.2.2 full\r\n' }, 'mailbox_full'],
    [{ RCPT: '450 later\r\n' }, 'server_busy'],
    [{ DATA: '554 no valid recipients\r\n' }, 'message_rejected'],
    [{ '.': '554 5.7.1 spam\r\n' }, 'policy_rejected'],
    [{ '.': '552 5.3.4 too big\r\n' }, 'message_too_large'],
    [{ '.': '451 4.3.0 try again\r\n' }, 'server_busy'],
    [{ MAIL: '503 bad sequence\r\n' }, 'server_refused'],
    [{ MAIL: '530 must authenticate\r\n' }, 'server_refused'],
    [{ MAIL: '421 closing\r\n' }, 'server_busy'],
    [{ EHLO: '554 go away\r\n' }, 'server_refused'],
  ] as const)('%j', async (answers, outcome) => {
    expect(await sent(answers)).toBe(outcome)
  })
  test('and with pipelining the refusal of the mailbox counts, not that of DATA', async () => {
    const answers = { EHLO: '250-mx.test\r\n250 PIPELINING\r\n', RCPT: '550 5.1.1 unknown\r\n' }
    expect(await sent({ ...answers, DATA: '503 no recipients\r\n' })).toBe('mailbox_unknown')
    expect(await sent({ ...answers, DATA: '354 go on\r\n' })).toBe('mailbox_unknown')
    expect(server?.secret()).not.toContain('BEGIN PGP')
  })
  test('a message above the SIZE that the server names is not begun', async () => {
    expect(await sent({ EHLO: '250-mx.test\r\n250 SIZE 100\r\n' })).toBe('message_too_large')
    expect(server?.secret()).not.toContain('MAIL')
  })
})

test('nothing of a forged EHLO reply changes what is said: no extension is used that was not asked for', async () => {
  const offer = ['AUTH PLAIN LOGIN', 'DSN', 'REQUIRETLS', 'SMTPUTF8', '8BITMIME', 'CHUNKING', 'SIZE 99999999']
  expect(
    await sent({ EHLO: `250-mx.test\r\n${offer.map(line => `250-${line}\r\n`).join('')}250 HELP\r\n` }),
  ).toBe('delivered')
  const commands = server?.secret().split('\r\n').slice(0, 4)
  expect(commands).toEqual([
    'EHLO gateway.test',
    expect.stringMatching(/^MAIL FROM:<gateway@payments\.test> SIZE=[0-9]+$/),
    'RCPT TO:<ada@bank.test>',
    'DATA',
  ])
})
