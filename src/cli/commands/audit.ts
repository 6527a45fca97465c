import { Command } from 'commander'
import { auditArchiveCommand } from './audit/archive.ts'
import { auditEvidenceCommand } from './audit/evidence/issue.ts'
import { auditExportCommand } from './audit/export.ts'
import { auditKeyCommand } from './audit/key.ts'
import { auditReviewCommand } from './audit/review.ts'
import { auditSearchCommand } from './audit/search.ts'
import { auditVerifyCommand } from './audit/verify.ts'
import { auditWitnessCommand } from './audit/witness.ts'

/** `audit …`: the log of events for those who need not take our word for it (docs/audit-log.md). Each command has its own file. */
export function auditCommand(): Command {
  return new Command('audit')
    .description('the audit log, for those who need not take our word for it')
    .addCommand(auditArchiveCommand())
    .addCommand(auditEvidenceCommand())
    .addCommand(auditExportCommand())
    .addCommand(auditKeyCommand())
    .addCommand(auditReviewCommand())
    .addCommand(auditSearchCommand())
    .addCommand(auditVerifyCommand())
    .addCommand(auditWitnessCommand())
}
