import type { OperatorRole } from '../../access/index.ts'

/** Who reads the log: those whose work it is to review it, and nobody else (PCI DSS 4.0.1, 10.3.1). */
export const readersOfLog = ['auditor'] as const satisfies readonly OperatorRole[]
/** Deliveries also by those who have to see to it that mail arrives. */
export const readersOfDeliveries = ['auditor', 'admin'] as const satisfies readonly OperatorRole[]
