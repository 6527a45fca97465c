export { type Address, domainOf, isAddress } from './address.ts'
export { armour } from './armour.ts'
export { type CardData, cardDataIn, namesCardData } from './card-data.ts'
export type { Ciphertext } from './ciphertext.ts'
export { type Clock, systemClock } from './clock.ts'
export { checksumLine, crc24 } from './crc24.ts'
export { csvLine } from './csv.ts'
export {
  type ErrorCode,
  type ErrorDetails,
  errorCatalogue,
  type RecipientCode,
  type RecipientRefusal,
  SealpostError,
} from './errors.ts'
export {
  type ApplicationId,
  type AttestationId,
  type ChangeRequestId,
  type DeliveryId,
  type EventId,
  isId,
  type MessageId,
  type NoticeId,
  newId,
  type OperatorId,
  type PolicyRecordId,
  type ProposalId,
  type RecipientId,
  type WebhookId,
} from './ids.ts'
export { scrubPans } from './pan.ts'
export { Plaintext, reveal, wipe } from './plaintext.ts'
export { version } from './version.ts'
