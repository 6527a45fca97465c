export {
  type Adoption,
  type AdoptionWish,
  applyAdoption,
  proposeAdoption,
  recordRefusals,
} from './adopt.ts'
export { type Assessment, assess, certificatesInUse, type Inspect, type PolicyRefusal } from './assess.ts'
export {
  type AdoptedPolicy,
  type PolicyStanding,
  policyInForce,
  policyStanding,
  scheduledPolicies,
} from './in-force.ts'
export {
  certificatePolicy,
  type Lifecycle,
  lifecycleOf,
  listPolicies,
  loadPolicy,
  type Policy,
  type PolicyFile,
  parsePolicy,
  readPolicyFile,
} from './load.ts'
export {
  type CertificateInUse,
  findRecords as listPolicyRecords,
  holdPolicies,
  type PolicyRecord,
} from './store.ts'
