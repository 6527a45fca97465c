import type { ProposalId, RecipientId } from '../../kernel/index.ts'

/** The life of a certificate that was activated. */
export type CertificateEvent =
  | {
      readonly type: 'certificate.activated'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly encryptionSubkey: string
      readonly proposal: ProposalId
    }
  | {
      readonly type: 'certificate.retired'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly encryptionSubkey: string
      /** Until when what was accepted for it may still go out; told again when that comes to an early end. */
      readonly finishUntil: string
    }
  | {
      /** Of a primary key, with all its subkeys. */
      readonly type: 'certificate.revoked'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly reason: 'compromised' | 'superseded' | 'retired' | 'left' | 'unknown'
      readonly means: 'operator' | 'host' | 'link' | 'upload' | 'refresh'
      /** Deliveries that were waiting and were stopped with it. */
      readonly stopped: number
    }
  | {
      readonly type: 'certificate.refreshed'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly source: 'upload' | 'wkd' | 'vks'
      readonly expires: string | null
    }
  | { readonly type: 'exposure.reported'; readonly certificate: string; readonly deliveries: number }
