import type { Site } from '../page/layout.ts'

export function recipientSite(organisation: string): Site {
  return { organisation, purpose: 'encrypted mail' }
}
