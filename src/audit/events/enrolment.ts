import type {
  Address,
  AttestationId,
  ChangeRequestId,
  PolicyRecordId,
  ProposalId,
  RecipientId,
} from '../../kernel/index.ts'

/** The way of a recipient: see the state machine of `recipients/`. */
export type EnrolmentEvent =
  | {
      readonly type: 'recipient.invited'
      readonly recipient: RecipientId
      readonly kind: string
      /** Absent in events older than the field. */
      readonly address?: Address
    }
  | { readonly type: 'enrolment.link.used' | 'enrolment.link.renewed'; readonly recipient: RecipientId }
  | {
      readonly type: 'certificate.proposed'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly certificate: string
      readonly encryptionSubkey: string
      readonly source: 'upload' | 'wkd' | 'vks' | 'refresh'
      readonly certifiedBy: string | null
      /** Of the encryption subkey. Absent in events older than the field, like those below. */
      readonly algorithm?: string
      readonly format?: 'seipdv1' | 'seipdv2'
      /** When the subkey expires by its own signatures; null: never. */
      readonly expires?: string | null
    }
  | {
      readonly type: 'certificate.rejected'
      readonly recipient: RecipientId
      /** Null when the file could not be read as a certificate. */
      readonly certificate: string | null
      readonly reasons: readonly string[]
    }
  | {
      readonly type: 'possession.challenged' | 'possession.proved' | 'possession.refused'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
    }
  | {
      readonly type: 'fingerprint.verified'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly certificate: string
      readonly means: 'phone' | 'in_person' | 'video' | 'letter'
    }
  | {
      readonly type: 'proposal.approved'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      /** Null when the active certificate had certified the new one and the policy lets that suffice. */
      readonly change: ChangeRequestId | null
      readonly activatesAt: string
      /** The crypto policy that the certificate was judged under and allowed by. Absent in events older than the field. */
      readonly policy?: PolicyRecordId
    }
  | {
      readonly type: 'proposal.dropped'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly reason: string
    }
  | { readonly type: 'recipient.activated'; readonly recipient: RecipientId; readonly certificate: string }
  | { readonly type: 'recipient.suspended'; readonly recipient: RecipientId; readonly reason: string }
  | {
      readonly type: 'recipient.reinstated'
      readonly recipient: RecipientId
      readonly change: ChangeRequestId
    }
  | { readonly type: 'recipient.unenrolled'; readonly recipient: RecipientId }
  | {
      readonly type: 'attestation.recorded'
      readonly recipient: RecipientId
      readonly attestation: AttestationId
      readonly kind: string
      readonly validUntil: string
    }
