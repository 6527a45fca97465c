export {
  type ClaimedNotice,
  claimNotices,
  mailOf,
  type NoticeResult,
  outerHeadersOf,
  releaseNotices,
  settleNotice,
  stillClaimed,
} from './claim.ts'
export { listed, type reports } from './for-operators.ts'
export type { SuspensionReason } from './for-recipients.ts'
export type { Notice, NoticeFields, NoticeKind } from './notice.ts'
export { outerOf, queueNotice, queueSealedNotice, type SealedNotice, withdrawNotices } from './queue.ts'
export { type NoticeMail, type NoticeOuter, renderNotice } from './render.ts'
export type { NoticeSender } from './sender.ts'
export { challengeText, type NoticeText } from './text.ts'
