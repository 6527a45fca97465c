import type {
  AcceptedMessage,
  CheckReport,
  MessageList,
  MessageStatus,
  SubmitMessage,
  Update,
} from '../../../src/contract/index.ts'

export interface File {
  readonly filename: string
  readonly contentType: string
  readonly content: Buffer
}

/** One way to speak to the API. What is refused rejects with an error that has the `code`. */
export interface Tongue {
  check(message: SubmitMessage): Promise<CheckReport>
  /** As multipart, when there is a file. */
  send(message: SubmitMessage, key: string, file?: File): Promise<AcceptedMessage>
  status(id: string): Promise<MessageStatus>
  list(reference: string): Promise<MessageList>
  /** The updates of a message, up to the first of that type. */
  updates(id: string, last: Update['type']): Promise<readonly Update[]>
  cancel(id: string): Promise<MessageStatus>
  evidence(id: string): Promise<string>
  /** What a webhook call says; rejects what none of the secrets signed. */
  verify(headers: Readonly<Record<string, string>>, body: string, secret: string): Promise<unknown>
  close(): Promise<void>
}
