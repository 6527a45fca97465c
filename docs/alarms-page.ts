import { alarmCatalogue } from '../src/audit/index.ts'

/**
 * Requests that only read and leave no event, by listener: they are answered also while the audit log cannot be written.
 * test/http/exempt-routes.test.ts holds it against the routers.
 */
export const withoutEvent = {
  ops: ['/healthz', '/readyz'],
  api: [
    '/docs',
    '/docs/errors',
    '/openapi.json',
    '/v1/messages',
    '/v1/messages/:id',
    '/v1/messages/:id/updates',
    '/v1/updates',
  ],
  console: [
    '/',
    '/sign-in/:token',
    '/changes',
    '/changes/:id',
    '/destinations',
    '/destinations/:domain',
    '/destinations/find',
    '/docs',
    '/docs/errors',
    '/keys/:fingerprint',
    '/openapi.json',
    '/policies',
    '/quarantine',
    '/webhooks',
    '/recipients',
    '/recipients/:id',
    '/recipients/import',
    '/recipients/new',
    '/v1/change-requests',
    '/v1/change-requests/:id',
    '/v1/destinations',
    '/v1/destinations/:domain',
    '/v1/inventory',
    '/v1/keys',
    '/v1/keys/:fingerprint',
    '/v1/operators/me',
    '/v1/policies',
    '/v1/quarantine',
    '/v1/webhooks',
    '/v1/recipients',
    '/v1/recipients/:id',
  ],
  public: [
    '/.well-known/openpgpkey/:domain/hu/:name',
    '/.well-known/openpgpkey/:domain/policy',
    '/.well-known/openpgpkey/hu/:name',
    '/.well-known/openpgpkey/policy',
    '/enrol',
    '/enrol/:token',
    '/our-key',
    '/our-key.asc',
    '/prove/:token',
    '/stop/:token',
  ],
} as const

/** Requests that read and leave an event before they are answered. */
export const withEvent = {
  ops: [],
  api: ['/v1/messages/:id/evidence'],
  console: [
    '/audit',
    '/audit/:id',
    '/deliveries',
    '/deliveries/:id',
    '/v1/audit',
    '/v1/audit/:id',
    '/v1/audit/checkpoint',
    '/v1/deliveries',
    '/v1/deliveries/:id',
    '/v1/keys/:fingerprint/exposure',
    '/v1/messages/:id/evidence',
  ],
  public: [],
} as const

/** docs/alarms.md. */
export function alarmsPage(note: string): string {
  const alarms = Object.entries(alarmCatalogue).map(
    ([code, { means, remedy, stops, because }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${means} | ${stops ? 'yes' : 'no'}: ${because} | ${remedy} |`,
  )
  const routes = Object.entries(withoutEvent).map(
    ([listener, paths]) => `| \`${listener}\` | ${paths.map(path => `\`${path}\``).join(', ')} |`,
  )
  return `${note}

# Alarms

An alarm says that something on a replica needs somebody to look. Each replica raises its own. An alarm shows in the list \`alarms\`
of \`/readyz\`, with the time since which it stands; in the replica's log, as an error with the event \`alarm-raised\` and the alarm as
its \`code\`; in the audit log, as \`alarm.raised\` and \`alarm.cleared\`, as soon as that can be written; in \`sealpost doctor\`, as far as the
audit log knows; and in the [daily review](review.md). It ends by itself when what it is about is over, and without a word when the
replica is started anew.

| Alarm | What it says | Stops the replica | What to do |
| --- | --- | --- | --- |
${alarms.join('\n')}

While an alarm stands that stops the replica, \`/readyz\` answers 503 with the check \`audit\` false, messages are refused with 503
[\`audit_unavailable\`](errors.md#audit_unavailable), couriers take no work, and no server hears a MAIL FROM, not even for a notice. What
operators and recipients do goes on where it can leave its event: a key can still be revoked while the log is not to be trusted.

## When the audit log cannot be written

Every effect commits together with its event, in one transaction. When PostgreSQL refuses the INSERT into \`audit_events\` (no right to, disk
full, read-only, a broken index), the effect is undone, the answer is 503 \`audit_unavailable\`, and the replica raises
\`audit_append_failed\`. Each second it writes an event and takes it back; when that works, the alarm is over and everything goes on. What
a mail server had taken before is recorded then; nothing is sent twice for it. A connection that is lost, a deadlock or a
transaction that had failed already is no failure of the log and raises nothing: the answer is \`database_unavailable\`, or the
failure's own.

Changing anything needs an event. These requests only read and leave none, so they are answered all the same:

| Listener | Paths (GET, HEAD) |
| --- | --- |
${routes.join('\n')}

Reads of the audit log, of deliveries and of evidence leave an event first, and are refused when it cannot be written; so is every
refusal.

## Clocks

Each replica compares its clock with PostgreSQL's at its start and each minute, and with the time that passed since the minute before by a
clock that nobody can set. More than two seconds of difference raise \`clock_wrong\` and leave an event \`clock.wrong\` with the
difference in milliseconds, again each hour while it lasts. \`sealpost doctor\` compares once (check \`clock\`).

That finds clocks that disagree. It cannot tell which one is right, nor that both hosts are wrong alike: run chrony or another
NTP client on the host of every replica and of PostgreSQL, against at least two sources of time that your organisation has chosen
(PCI DSS 10.6.2), and watch it there (\`chronyc tracking\`: *Leap status: Normal*, *System time* within milliseconds). A virtual
machine that slept shows as a jump.

The order of the audit log is the number of its leaves, never the time. \`at\` is what the replica's clock said: where a clock is put back, later
leaves have earlier times. The daily review counts events that came later than the report of their day.
`
}
