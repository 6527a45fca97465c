import { afterAll, beforeAll, expect, test } from 'vitest'
import { dkimRecord, initDkimKey, initSigningKey, unsealFor } from '../../src/custody/index.ts'
import { openDkim, type SignMail } from '../../src/delivery/index.ts'
import { wireMessage } from '../../src/delivery/wire-message.ts'
import { type Address, type Ciphertext, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { testDatabase } from '../support/database.ts'
import { attempt } from './run.ts'

// Debian's python3-dkim (dkimpy), asked to verify the mail on standard input by the record that it is given.
const program = `
import sys, dkim
sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: sys.argv[2].encode() if name.decode() == sys.argv[1] + '.' else None) else 3)
`

const opened = new AsyncDisposableStack()
let sign: SignMail
let record: ReturnType<typeof dkimRecord>
const from = 'billing@payments.test' as Address
const passphrase = 'as long as it has to be'

beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const { knex } = opened.adopt(
    openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 }),
    pool => pool.close(),
  )
  await initSigningKey(knex, systemClock, generateSigningKey, 'gateway@gateway.test' as Address, passphrase)
  const key = await initDkimKey(knex, systemClock, { domain: 'payments.test', selector: 's2026' }, passphrase)
  record = dkimRecord(key)
  const keys = await unsealFor(
    knex,
    systemClock,
    { seals: false, sends: true, origin: 'gateway.test/audit-log' },
    () => Promise.resolve(passphrase),
  )
  sign = openDkim(keys.dkim, 'gateway.test')
})
afterAll(() => opened.disposeAsync())

async function verdictOn(mail: Buffer): Promise<number | null> {
  const asked = ['-c', program, record.name, record.strings.join('')]
  const { status, complaint } = await attempt('/usr/bin/python3', asked, mail)
  if (status !== 0 && status !== 3) throw new Error(complaint)
  return status
}

test.each([10, 2_000, 200_000])(
  'dkimpy verifies a mail of %i bytes by the record that is printed',
  async size => {
    const outer = {
      from,
      to: 'ada@bank.test' as Address,
      date: 'Fri, 20 Nov 2026 20:35:55 +0000',
      messageId: '<1@gateway.test>',
    }
    const message = wireMessage(outer, Buffer.alloc(size, 'x') as unknown as Ciphertext, 'seipdv1')
    const mail = Buffer.concat([...(await sign(message, from)).chunks()])
    expect(await verdictOn(mail)).toBe(0)
    expect(await verdictOn(Buffer.concat([Buffer.from('From: ceo@payments.test\r\n'), mail]))).toBe(3)
    expect(await verdictOn(Buffer.from(mail.toString('latin1').replace('eHh4', 'eHh5'), 'latin1'))).toBe(3)
  },
)
