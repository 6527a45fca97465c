export {
  addApplication,
  type CardRule,
  changeApplication,
  listApplications,
  maySendFrom,
  openIdentification,
  ordinaryCards,
  ordinaryRate,
  revokeApplication,
} from './applications.ts'
export {
  type ApplyChange,
  type ApplyChanges,
  type Approvals,
  openApprovals,
  type StagedChange,
} from './changes/approvals.ts'
export type { Change, ChangeKind, ChangeRequest, ChangeRequestOf, ChangeState } from './changes/change.ts'
export {
  askForChange,
  expireChangeRequests,
  findChangeRequest,
  listChangeRequests,
  voidChangeRequests,
} from './changes/change-requests.ts'
export { type ClientIdentity, type ClientRefusal, identifyClient } from './client-certificate.ts'
export { type Operator, type OperatorRole, operatorRoles, requireRole } from './operators/operator.ts'
export { addOperator, listOperators, operatorsWith, revokeOperator } from './operators/operators.ts'
export { expireSessions, issueSignInLink, operatorOf, signIn, signOut } from './operators/sign-in.ts'
export type { Application } from './store.ts'
