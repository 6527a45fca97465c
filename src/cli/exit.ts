import { SealpostError } from '../kernel/index.ts'

/** Refused by a rule, or called wrongly: exit code 2. Everything else that fails: 1. */
const refusals = new Set<string>([
  'usage',
  'config_invalid',
  'unsafe_environment',
  'database_tls_required',
  'tls_material_refused',
  'exception_expired',
  'passphrase_wrong',
  'key_exists',
  'key_missing',
  'name_taken',
  'certificate_refused',
  'not_found',
  'invalid_request',
  'sending_not_approved',
  'state_conflict',
  'second_person_needed',
  'export_refused',
  'archive_refused',
])

/** The exit code of an error. The only place where errors become exit codes. */
export function exitCode(error: unknown): 1 | 2 {
  return error instanceof SealpostError && refusals.has(error.code) ? 2 : 1
}
