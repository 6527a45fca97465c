import {
  formatMessage,
  openSyslog,
  type SyslogConnection,
  type SyslogMessage,
  type SyslogReceiver,
} from '../../platform/syslog/index.ts'
import { element } from './message.ts'

/** Where events and checkpoints go, and as what. */
export interface Siem {
  /** Asked at each new connection, so that CA, certificate, key and lists can change. */
  readonly receiver: () => SyslogReceiver
  /** HOSTNAME of the messages. */
  readonly hostname: string
  /** The log's origin. */
  readonly origin: string
  /** Milliseconds that a step of a connection may take. Default: that of `platform/syslog`. */
  readonly deadline?: number
}

/** Host and port, as events and anchors name it. */
export function receiverName({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

export interface SiemConnection extends Pick<SyslogConnection, 'confirm' | 'close'> {
  send(messages: readonly SyslogMessage[]): Promise<void>
}

export async function connectSiem(
  { receiver, hostname, deadline }: Siem,
  signal?: AbortSignal,
): Promise<SiemConnection> {
  const connection = await openSyslog(receiver(), { signal, ...(deadline === undefined ? {} : { deadline }) })
  const sender = { hostname, application: 'sealpost', element }
  return {
    send: messages => connection.send(messages.values().map(message => formatMessage(sender, message))),
    confirm: () => connection.confirm(),
    close: () => connection.close(),
  }
}
