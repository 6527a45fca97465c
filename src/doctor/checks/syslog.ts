import type { Knex } from 'knex'
import { streamProgress } from '../../audit-log/index.ts'
import type { Config, Secrets } from '../../config/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { openSyslog, type SyslogFailure, syslogFailureOf } from '../../platform/syslog/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

/** The syslog server: whether it proves itself, ends connections so that it can be relied on, and has everything. */
export function syslogChecks(
  knex: Knex,
  config: Pick<Config, 'syslog' | 'foreignCertificates'>,
  secrets: Pick<Secrets, 'syslog'>,
  clock: Clock,
): readonly Check[] {
  const { syslog: at, foreignCertificates: foreign } = config
  const { syslog: known } = secrets
  if (at === undefined || known === undefined) {
    const none = warn(
      'no SEALPOST_SYSLOG_HOST: no event leaves this system by itself',
      'PCI DSS 10.3.3 asks for a copy of the audit log elsewhere; see docs/siem.md.',
    )
    return [{ name: 'syslog', run: () => none }]
  }
  return [
    {
      name: 'syslog',
      // Nothing is sent: that it ends the connection as it should is what arrival is known by.
      run: () => tryReceiver({ ...at, ...known, foreign }),
    },
    {
      name: 'syslog-stream',
      async run() {
        const { failures, waitingSince } = await streamProgress(knex, at)
        if (waitingSince === undefined) return ok('every event of the log has arrived there')
        const minutes = Math.floor((clock.now().getTime() - waitingSince.getTime()) / 60_000)
        const found = `the oldest event that has not arrived is ${minutes} minutes old; ${failures} tries in a row failed`
        return minutes < 10 && failures < 3
          ? ok(found)
          : warn(found, 'Look at the syslog server and the way there. Nothing is lost: it is sent again.')
      },
    },
  ]
}

async function tryReceiver(receiver: Parameters<typeof openSyslog>[0]): Promise<Verdict> {
  try {
    const connection = await openSyslog(receiver, { deadline: 4_000 })
    try {
      await connection.confirm()
    } finally {
      connection.close()
    }
    const { version, cipher } = connection.tls
    return ok(`${receiver.host} by ${version}, ${cipher}; it ends connections as RFC 5425 asks`)
  } catch (error) {
    const failure = syslogFailureOf(error)
    if (failure === 'error') throw error
    return fail(`${receiver.host}: ${failure}`, remedies[failure])
  }
}

const remedies: Readonly<Record<SyslogFailure, string>> = {
  connect_failed: 'Is it there, and does it listen at this port? Nothing is lost: events wait for it.',
  not_authenticated:
    'Its certificate must be one of SEALPOST_SYSLOG_CA_FILE, in force, and carry SEALPOST_SYSLOG_HOST as a subject alternative name; it must speak TLS 1.2 or 1.3.',
  refused_by_receiver: 'Does it want a client certificate? Set SEALPOST_SYSLOG_CERT_FILE.',
  connection_lost:
    'It ended the connection. Its own log says why; perhaps it does not permit our certificate.',
  spoke: 'It says something, which no syslog server does: is it one?',
  timed_out: 'It does not answer. Look at the way there.',
  not_confirmed:
    'It ends a connection without close_notify, so nobody knows what it read. For rsyslog: use the driver `ossl`; see docs/siem.md.',
}
