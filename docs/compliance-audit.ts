import type { NamedTest, Requirement } from './compliance.ts'

const test = (path: string, title: string): NamedTest => ({ path: `test/${path}`, title })

const catalogued = test('docs/audit-events.test.ts', 'answers PCI DSS %s')
const together = test('audit/append.test.ts', 'events and their effect commit together, in the order given')

/** PCI DSS 4.0.1, 10.2 to 10.7. */
export const auditLogs: readonly Requirement[] = [
  {
    row: '10.2.1',
    wants: 'audit logs enabled and active for all system components and cardholder data',
    state: 'yes',
    behaviour:
      'Nothing happens without its event: both commit in one transaction, or neither does. There is no switch. What leaves no event is listed in [audit-events.md](audit-events.md).',
    tests: [
      together,
      test('audit/append.test.ts', 'when the INSERT of its event fails'),
      test(
        'faults/audit-log-away.test.ts',
        'what operators do has no effect either while the log cannot be written',
      ),
      test('docs/audit-events.test.ts', 'is what the declarations say, each type once'),
    ],
    evidence: '[audit-events.md](audit-events.md), made from the code; `sealpost audit export`',
  },
  {
    row: '10.2.1.1',
    wants: 'all individual user access to cardholder data',
    state: 'yes',
    behaviour:
      'Nobody can read a message in the gateway: it holds ciphertext alone. Who submitted one, to whom it went, who looked at deliveries and what was purged are events.',
    tests: [
      catalogued,
      test('http/audit.test.ts', 'one comes with each attempt and how the server was authenticated'),
      test('security/canary.test.ts', 'afterwards the canary is nowhere'),
    ],
    evidence: 'events `message.accepted`, `delivery.*`, `deliveries.read`, `ciphertext.purged`',
  },
  {
    row: '10.2.1.2',
    wants: 'all actions taken by any individual with administrative access',
    state: 'yes',
    behaviour:
      'Each step of an operator, and each command on the host that changes something, with who and from where.',
    tests: [
      catalogued,
      test('http/origin.test.ts', 'what an operator does in the console comes from there'),
      test(
        'http/origin.test.ts',
        'what is done on the host comes from there; what nobody asked for, from nowhere',
      ),
      test(
        'access/dual-control.test.ts',
        'an approval by another operator applies the change, once, with its event',
      ),
    ],
    evidence: 'the console, Audit, by operator',
  },
  {
    row: '10.2.1.3',
    wants: 'all access to audit logs',
    state: 'yes',
    behaviour:
      'A page, an event, an export, an archive, a report and evidence are each on record before they leave.',
    tests: [
      test(
        'http/audit.test.ts',
        'a page is on record, with what was asked, before it leaves; and shows no salt',
      ),
      test(
        'http/audit.test.ts',
        'JSON lines are those of an export, all that is found, and on record before and after',
      ),
      test('audit-log/export/export.test.ts', 'a log comes out as it stands, and is recorded before'),
      test(
        'evidence/evidence.test.ts',
        'is the same each time, and on record each time: by whom, under which checkpoint, which file',
      ),
    ],
    evidence: 'events `audit.read`, `audit.exported`, `evidence.issued`',
  },
  {
    row: '10.2.1.4',
    wants: 'all invalid logical access attempts',
    state: 'yes',
    behaviour:
      'Each refusal, those of a handshake too. What anybody can cause without end is counted, so that a flood is neither left out nor drowns the rest.',
    tests: [
      test(
        'http/refusals/counted.test.ts',
        '10,000 refusals in a burst are a handful of events, and all are counted',
      ),
      test(
        'http/refusals/connections.test.ts',
        'a client that goes away in the handshake is known by its address',
      ),
      test(
        'http/audit.test.ts',
        'the log: auditors alone; deliveries: admins as well; a refusal is on record',
      ),
      test('access/dual-control.test.ts', 'refused and audited, and the request still waits:'),
    ],
    evidence: 'events `*.refused`; the daily review',
  },
  {
    row: '10.2.1.5',
    wants: 'all changes to identification and authentication credentials',
    state: 'yes',
    behaviour:
      'Operators, their links, applications, certificates of recipients and our own keys: made, changed, ended.',
    tests: [
      catalogued,
      test('access/operators.test.ts', 'an operator is added with an event, roles once each, and is listed'),
      test('access/operators.test.ts', 'a revocation without its event does not happen'),
    ],
    evidence: 'events `operator.*`, `application.*`, `certificate.*`, `custody.*`, `tls.reloaded`',
  },
  {
    row: '10.2.1.6',
    wants: 'initialization of new audit logs; starting, stopping or pausing of the existing ones',
    state: 'yes',
    behaviour:
      'The log’s key, each replica that takes events into it, and the stream to the SIEM: begin and end.',
    tests: [
      catalogued,
      test(
        'audit-log/stream/stream.test.ts',
        'a receiver taken out of the settings is recorded, and a new one goes on from there',
      ),
    ],
    evidence: 'events `log.*`, `stream.*`, `gateway.started`, `gateway.stopped`',
  },
  {
    row: '10.2.1.7',
    wants: 'all creation and deletion of system-level objects',
    state: 'yes',
    behaviour: 'Migrations of the schema, keys, archives. The gateway cannot create or drop tables.',
    tests: [
      catalogued,
      test(
        'audit/schema-migrated.test.ts',
        'each migration is told once, also one whose process was killed before it could tell',
      ),
    ],
    evidence: 'events `schema.migrated`, `custody.key.generated`, `audit.archived`',
  },
  {
    row: '10.2.2',
    wants: 'user, type, date and time, success or failure, origination, what was affected',
    state: 'yes',
    behaviour: 'Members of every event, whose types are closed; there is no free text.',
    tests: [
      test('docs/audit-events.test.ts', 'every member that PCI DSS 10.2.2 asks for is in what is written'),
      test('docs/audit-events.test.ts', 'of what is refused or fails, no type tells of a success'),
    ],
    evidence: '[audit-events.md](audit-events.md)',
  },
  {
    row: '10.3.1',
    wants: 'read access to audit logs limited to those with a job-related need',
    state: 'yes',
    behaviour:
      'The role auditor alone, in the console and in the database. Events hold no card data whoever reads them.',
    tests: [
      test(
        'http/audit.test.ts',
        'the log: auditors alone; deliveries: admins as well; a refusal is on record',
      ),
      test('http/audit.test.ts', 'an application gets none of it'),
      test('platform/roles.test.ts', 'the auditor read the log'),
      test('audit/card-data.test.ts', 'a card number is refused: %s'),
    ],
    evidence: '`sealpost operator list`; deploy/postgres/roles.sql',
  },
  {
    row: '10.3.2',
    wants: 'audit log files protected from modification by individuals',
    state: 'yes',
    behaviour:
      'No role may change or remove an event, a leaf, a tile or a checkpoint; triggers refuse it to the owner too. What a superuser does all the same shows offline.',
    tests: [
      test('platform/roles.test.ts', 'UPDATE audit_leaves SET seq = 1'),
      test('platform/roles.test.ts', 'DELETE FROM audit_events'),
      test('audit-log/export/superuser.test.ts', 'superuser: %s'),
      test('verifier/verify-export.test.ts', 'of another key are none'),
    ],
    evidence: '`sealpost audit verify`',
  },
  {
    row: '10.3.3',
    wants:
      'audit logs promptly backed up to a secure, central, internal log server or other media that is difficult to modify',
    state: 'yes',
    behaviour:
      'With `SEALPOST_SYSLOG_HOST` every event goes to the SIEM over authenticated TLS within seconds, at least once, whatever is killed. Without it, `sealpost doctor` warns.',
    tests: [
      test(
        'interop/rsyslog.test.ts',
        'rsyslog killed again and again in the middle: nothing is missing, some of it is there twice',
      ),
      test(
        'interop/rsyslog.test.ts',
        'killed in the middle and started again: nothing is missing, and no card number is in it',
      ),
      test('interop/rsyslog.test.ts', 'another name or another CA: not a byte of an event leaves'),
      test(
        'audit-log/stream/stream.test.ts',
        'every event arrives in the order of the log, and its leaf hash can be computed from what arrived',
      ),
      test(
        'platform/syslog/connection.test.ts',
        'what a receiver does instead of reading to the end is never taken for arrival',
      ),
    ],
    evidence: '[siem.md](siem.md); `sealpost doctor`: `syslog-stream`',
  },
  {
    row: '10.3.4',
    wants:
      'change detection on audit logs, so that existing data cannot be changed without generating alerts',
    state: 'yes',
    behaviour:
      'A Merkle tree with signed checkpoints. A change where the log goes on stops the signing with an alarm; an anchor finds a database that was put back; a verifier finds anything else, and where.',
    tests: [
      test('audit-log/sequencer/tampered.test.ts', '%s: nothing is signed'),
      test(
        'audit-log/anchors/rolled-back.test.ts',
        'yesterday’s database is restored: every anchor has more than it',
      ),
      test(
        'faults/database-rolled-back.test.ts',
        'a gateway on a database that was put back takes no message: the anchor knows what came after',
      ),
      test(
        'audit-log/stream/stream.test.ts',
        'checkpoints arrive as signed notes, and the anchor has no more to say',
      ),
    ],
    evidence:
      'alarms `audit_log_inconsistent`, `anchor_ahead`; `sealpost audit verify`; [anchors.md](anchors.md)',
  },
  {
    row: '10.4.1, 10.4.1.1',
    wants: 'audit logs reviewed at least once daily, by automated mechanisms',
    state: 'yes',
    behaviour:
      'Each day a report of everything that happened, with what is unusual, to the auditors by mail. The SIEM has the events for rules of its own.',
    tests: [
      test('review/daily.test.ts', 'everything of the day is counted, and nothing of another'),
      test('review/daily.test.ts', 'volumes are compared with the median of the 14 days before'),
      test(
        'review/reporting.test.ts',
        'days that no replica was there for are reported when one is, each once',
      ),
    ],
    evidence: '[review-sample.md](review-sample.md); events `review.reported`',
  },
  {
    row: '10.4.3',
    wants: 'exceptions and anomalies identified during the review are addressed',
    state: 'partly',
    behaviour:
      'Alarms stand in the report, in `/readyz` and in the log until their cause is gone, each with what to do.',
    tests: [
      test('review/daily.test.ts', 'keys, people, reads, alarms, what waits and what ends stand in it'),
      test('audit/alarms.test.ts', 'the log tells which alarms were raised and not cleared'),
    ],
    evidence: '[alarms.md](alarms.md)',
    missing:
      'That somebody dealt with a report is not recorded here; auditors keep that in their own system.',
  },
  {
    row: '10.5.1',
    wants: 'history kept for 12 months, the last three immediately available',
    state: 'yes',
    behaviour:
      'Nothing is removed by itself. Months older than three may leave as verified archives, which stay provable against any later checkpoint; they are yours to keep.',
    tests: [
      test('audit-log/export/archive.test.ts', 'that is younger than three months'),
      test(
        'audit-log/export/archive.test.ts',
        'stay provable: each event of the archive is in a later tree, which only adds to the older',
      ),
      test('audit-log/export/archive.test.ts', 'that the verifier finds something wrong with'),
    ],
    evidence: 'events `audit.archived`; `sealpost audit verify` on archives and an export together',
  },
  {
    row: '10.6.1, 10.6.3',
    wants: 'clocks synchronised; time settings monitored',
    state: 'yes',
    behaviour:
      'Each replica compares its clock with PostgreSQL’s and with the time that passed, each minute; a difference is an alarm. The order of the log does not depend on clocks.',
    tests: [
      test(
        'audit/alarms.test.ts',
        'a clock that jumps is told of, also when it then agrees with the database',
      ),
      test('audit/alarms.test.ts', 'events of a clock that was put back keep their order'),
    ],
    evidence: 'alarm `clock_wrong`; event `clock.wrong`; `sealpost doctor`: `clock`',
  },
  {
    row: '10.7.2, 10.7.3',
    wants: 'failures of audit logging detected, alerted and responded to promptly',
    state: 'yes',
    behaviour:
      'When events cannot be written, nothing is accepted and nothing sent, readiness drops, an alarm is raised; it goes on by itself, with nothing lost. A SIEM or an anchor that is away is an alarm, too.',
    tests: [
      test(
        'faults/audit-log-away.test.ts',
        'the gateway may not write the audit log: nothing is taken, nothing sent, no effect; it goes on by itself, nothing lost, nothing twice',
      ),
      test(
        'audit/alarms.test.ts',
        'nothing may be done while an alarm stands that stops the replica, whatever others come and go',
      ),
      test(
        'audit-log/stream/stream.test.ts',
        'an event that has waited for over ten minutes raises the alarm; its arrival clears it',
      ),
      test(
        'audit-log/anchors/anchoring.test.ts',
        'an anchor that fails is tried again, ever more seldom; after three intervals it is an alarm',
      ),
      test(
        'audit-log/sequencer/behind.test.ts',
        'events that wait for too long are an alarm, which ends when they are in the log',
      ),
    ],
    evidence: '[alarms.md](alarms.md); `/readyz`; events `alarm.raised`',
  },
]
