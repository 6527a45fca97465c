import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, systemClock } from '../kernel/index.ts'
import { approve, type Operators } from './operators.ts'
import type { Stage } from './stage.ts'
import { openVisitor } from './visitor.ts'

/** Invites an address, as a supplier whose papers are in order; gives the recipient's id. */
export async function invite({ ada }: Operators, address: Address): Promise<string> {
  const validUntil = new Date(systemClock.now().getTime() + 365 * 86_400_000).toISOString()
  const paper = (kind: string, reference: string): object => ({ kind, reference, validUntil })
  const invited = await ada.call('POST', '/v1/recipients', {
    address,
    organisation: 'Acquirer Ltd',
    kind: 'supplier',
    phone: '+44 20 7946 0018',
    retentionDays: 30,
    attestations: [
      paper('contract', 'C-2026-18'),
      paper('aoc', 'AOC 2026'),
      paper('retention', 'Agreed on 2 November 2026'),
    ],
  })
  return (invited as { id: string }).id
}

/** The recipient follows the link of the invitation and gives a certificate, armoured. */
export async function propose(stage: Stage, invitation: string, certificate: string): Promise<void> {
  const browser = openVisitor(stage, stage.publicPort)
  try {
    await browser.submit(linkIn(invitation, 'enrol'))
    await browser.submit('/enrol/certificate', { text: certificate })
  } finally {
    browser.close()
  }
}

/** The recipient follows the link that only their private key could read. */
export async function prove(stage: Stage, challenge: string): Promise<void> {
  const browser = openVisitor(stage, stage.publicPort)
  try {
    await browser.submit(linkIn(challenge, 'prove'))
  } finally {
    browser.close()
  }
}

/** Waits until whoever has the private key has returned the code. */
export async function proved({ ada }: Operators, recipient: string): Promise<void> {
  for (;;) {
    const { step } = (await ada.call('GET', `/v1/recipients/${recipient}`)) as { step: string }
    if (step === 'verify') return
    await sleep(500)
  }
}

/** The fingerprint is compared by phone, the enrolment approved. Gives the fingerprint in words. */
export async function admit(operators: Operators, recipient: string): Promise<readonly string[]> {
  const { proposals } = (await operators.ada.call('GET', `/v1/recipients/${recipient}`)) as {
    proposals: readonly { words: readonly string[] }[]
  }
  const asked = await operators.ada.call('POST', `/v1/recipients/${recipient}/proposal/verify`, {
    means: 'phone',
  })
  await approve(operators, asked)
  return proposals[0]?.words ?? []
}

/** The path of the link for a purpose in the text of a mail. Throws when there is none. */
function linkIn(text: string, purpose: 'enrol' | 'prove'): string {
  const [, path] = new RegExp(`https://[^/\\s]+(/${purpose}/[\\w-]+)`).exec(text) ?? []
  if (path === undefined) throw new Error(`the mail has no link to ${purpose}`)
  return path
}
