import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { openPost, type Post } from '../support/post.ts'
import { type HostileServer, type Sink, startHostile, startSink } from '../support/smtp-sink.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mx1.test', 'mx2.test'], days: 1 })

let post: Post
let sink: Sink
let hostile: HostileServer

beforeAll(async () => {
  post = await openPost()
  sink = await startSink(identity)
  hostile = await startHostile(identity, async client => {
    client.send('220 mx1.test\r\n')
    await client.line()
    client.send('250-mx1.test\r\n250 STARTTLS\r\n')
    await client.line()
    client.send('220 go\r\n250 injected\r\n')
    await client.line()
  })
  const servers = [
    { name: 'mx1.test', port: hostile.port, tls: 'starttls' as const },
    { name: 'mx2.test', port: sink.port, tls: 'starttls' as const },
  ]
  const pins = { ca: authority.certificate }
  await post.route('bank.test', { mode: 'pinned', hosts: servers, pins })
  await post.route('alone.test', { mode: 'pinned', hosts: servers.slice(0, 1), pins })
})
afterEach(() => post.stopCouriers())
afterAll(async () => {
  await post.close()
  await sink.stop()
  await hostile.stop()
})

const events = async (): Promise<Record<string, unknown>[]> => {
  const bodies = await post.owner('audit_events').orderBy('seq').pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Record<string, unknown>)
}

test('bytes slipped in after the STARTTLS reply are recorded as an attack, and the mail waits', async () => {
  const accepted = await post.acceptOne('ada@alone.test')
  post.startCourier()
  const status = await post.until(accepted.message, ({ attempts }) => attempts.length > 0)
  expect(status).toMatchObject({ state: 'queued', attempts: [{ outcome: 'starttls_injection' }] })
  const recorded = await events()
  const attack = recorded.findIndex(({ type }) => type === 'attack.suspected')
  expect(recorded[attack]).toMatchObject({
    kind: 'starttls_injection',
    host: 'mx1.test',
    address: '127.0.0.1',
  })
  // First the attack, then what became of the attempt.
  expect(recorded.findIndex(({ type }) => type === 'delivery.deferred')).toBeGreaterThan(attack)
  expect(JSON.stringify(recorded)).not.toContain('injected')
  expect(hostile.secret()).toBe('')
  expect(hostile.clear()).not.toMatch(/MAIL|RCPT/)
})

test('while an attack cannot be recorded, not even the next server is tried', async () => {
  await post.owner.raw(`
    create function no_attack() returns trigger language plpgsql as $$ begin
      if new.body like '%attack.suspected%' then raise exception 'disk full' using errcode = '53100'; end if;
      return new;
    end $$;
    create trigger no_attack before insert on audit_events for each row execute function no_attack()`)
  const accepted = await post.acceptOne('bob@bank.test')
  post.startCourier()
  await expect.poll(() => post.logged(), { timeout: 10_000 }).toContain('attempt-abandoned')
  await post.stopCouriers()
  expect(sink.mails).toEqual([])

  await post.owner.raw('drop trigger no_attack on audit_events')
  // The job comes back when its heartbeat has ended.
  await post.owner('pgboss.job_common').where({ state: 'active' }).update({ state: 'created' })
  post.startCourier()
  await post.until(accepted.message, ({ state }) => state === 'delivered')
  expect(sink.mails).toHaveLength(1)
})
