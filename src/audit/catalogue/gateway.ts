import type { GatewayEvent } from '../events/gateway.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const gatewayEntries = {
  'gateway.started': success(
    'A replica is ready, with these settings.',
    ['Application Lifecycle', 'Start'],
    '10.2.1.6',
  ),
  'gateway.stopped': success('A replica begins to stop.', ['Application Lifecycle', 'Stop'], '10.2.1.6'),
  'schema.migrated': success(
    'A migration changed the tables, roles or triggers of the database.',
    ['Datastore Activity', 'Update'],
    '10.2.1.2',
    '10.2.1.7',
  ),
  'custody.key.generated': success(
    'The key that signs messages was made.',
    ['Entity Management', 'Create'],
    '10.2.1.2',
    '10.2.1.5',
    '10.2.1.7',
  ),
  'custody.unsealed': success('A replica opened the signing key.', ['Entity Management', 'Read'], '10.2.1.2'),
  'custody.unseal.refused': failure(
    'The signing key, or a key wrapped like it, did not open.',
    ['Entity Management', 'Read'],
    '10.2.1.2',
    '10.2.1.4',
  ),
  'application.added': success(
    'An application was registered, with the name in its client certificate.',
    ['Account Change', 'Create'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'application.changed': success(
    'What an application may send, or how much, was changed.',
    ['Account Change', 'Attach Policy'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'application.revoked': success(
    'An application may not connect any more.',
    ['Account Change', 'Delete'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'client.refused': failure(
    'Connections of applications were cut off for their client certificates.',
    ['Authentication', 'Logon'],
    '10.2.1.4',
  ),
  'connection.refused': failure(
    'Connections ended before there was a request to answer: no TLS, or no HTTP.',
    ['Network Activity', 'Refuse'],
    '10.2.1.4',
  ),
  'request.refused': failure(
    'Requests were refused, with this code.',
    ['HTTP Activity', 'Other'],
    '10.2.1.4',
  ),
} satisfies EntriesOf<GatewayEvent>
