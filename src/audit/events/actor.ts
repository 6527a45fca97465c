import type { ApplicationId, OperatorId, RecipientId } from '../../kernel/index.ts'

/** Who caused an event. */
export type Actor =
  | { readonly kind: 'application'; readonly id: ApplicationId }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'host' } // somebody with the command line of the host
  | { readonly kind: 'operator'; readonly id: OperatorId }
  | { readonly kind: 'recipient'; readonly id: RecipientId } // whoever holds the link that was mailed to them
  | { readonly kind: 'peer'; readonly address: string } // an unauthenticated client, by its IP address
