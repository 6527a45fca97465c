import { Command } from 'commander'
import { auditVerifyCommand } from './audit/verify.ts'

/** `audit …`: the log of events for those who need not take our word for it (docs/audit-log.md). Each command has its own file. */
export function auditCommand(): Command {
  return new Command('audit').description('the audit log: verify').addCommand(auditVerifyCommand())
}
