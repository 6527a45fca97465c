import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deliveryOfReturnPath, returnPathOf } from '../../src/delivery/return-path.ts'
import { isAddress, newId, systemClock } from '../../src/kernel/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { openPost, type Post, pinnedTo, sender } from '../support/post.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

const domain = 'bounce.payments.test'

describe('a return path', () => {
  test('names its delivery, within the bounds of an address, in whatever case it comes back', () => {
    for (let i = 0; i < 100; i++) {
      const id = newId('dlv', systemClock)
      const path = returnPathOf(id, domain)
      expect(isAddress(path)).toBe(true)
      expect(path.indexOf('@')).toBeLessThanOrEqual(64)
      expect(deliveryOfReturnPath(path, domain)).toBe(id)
      expect(deliveryOfReturnPath(path.toUpperCase(), domain)).toBe(id)
    }
  })

  test.each([
    '',
    '@',
    `bounce+@${domain}`,
    `bounce@${domain}`,
    `bounce+dlv_01kaj9v6g0000000000000000@${domain}`,
    `bounce+01kaj9v6g00000000000000000@other.test`,
    `bounce+01kaj9v6g00000000000000000@x.${domain}`,
    `bounce+01kaj9v6g00000000000000000@${domain}.evil.test`,
    `bounce+01kaj9v6g0000000000000000l@${domain}`,
    `bounce+01kaj9v6g000000000000000000@${domain}`,
    `bounce+01kaj9v6g00000000000000000 @${domain}`,
    `x+01kaj9v6g00000000000000000@${domain}`,
    `bounce+${'0'.repeat(100_000)}@${domain}`,
  ])('%s is none of ours', path => {
    expect(deliveryOfReturnPath(path, domain)).toBeUndefined()
  })

  test('takes a domain', () => {
    expect(() => returnPathOf(newId('dlv', systemClock), 'x> BODY=8BITMIME')).toThrow()
  })
})

describe('in MAIL FROM', () => {
  const offers = ['PIPELINING', 'DSN', 'SIZE 1000000']
  let server: HostileServer
  let post: Post
  beforeAll(async () => {
    const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
    const identity = await issueServerCertificate(authority, { dnsNames: ['mx.test'], days: 1 })
    server = await startHostile(identity, async client => {
      client.send('220 mx\r\n')
      await client.line()
      client.send('250-mx.test\r\n250 STARTTLS\r\n')
      await client.line()
      client.send('220 go\r\n')
      await client.startTls()
      await client.line()
      client.send(`250-mx.test\r\n${offers.map(offer => `250-${offer}\r\n`).join('')}250 HELP\r\n`)
      for (let line = await client.line(); line !== undefined; line = await client.line()) {
        if (line === 'DATA') {
          client.send('354 go on\r\n')
          for (let text = await client.line(); text !== undefined && text !== '.'; )
            text = await client.line()
        }
        client.send('250 ok\r\n')
      }
    })
    post = await openPost()
    await post.route('bank.test', pinnedTo(authority.certificate, server.port))
  })
  afterAll(async () => {
    await post.close()
    await server.stop()
  })

  test.each([
    ['the return path, where there is a domain for it', domain],
    ['the sender, where there is none', undefined],
  ])('stands %s; ENVID is the delivery', async (_, returnPathDomain) => {
    const accepted = await post.acceptOne(`${returnPathDomain === undefined ? 'a' : 'b'}@bank.test`)
    const courier = post.startCourier({ returnPathDomain })
    await post.until(accepted.message, ({ state }) => state === 'delivered')
    await courier.stop()
    const path = returnPathDomain === undefined ? sender : returnPathOf(accepted.delivery, domain)
    const commands = server
      .secret()
      .split('\r\n')
      .filter(line => line.startsWith('MAIL FROM:'))
    expect(commands.at(-1)).toContain(`MAIL FROM:<${path}> `)
    expect(commands.at(-1)).toContain(` RET=HDRS ENVID=${accepted.delivery}`)
  })
})
