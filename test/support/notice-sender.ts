import type { Address } from '../../src/kernel/index.ts'
import type { NoticeSender } from '../../src/notices/index.ts'

/** Who sends the notices of tests. */
export const noticeSender: NoticeSender = {
  from: 'notices@gateway.test' as Address,
  mailHost: 'gateway.test',
  publicUrl: 'https://keys.gateway.test',
  organisation: 'Payments Test',
}
