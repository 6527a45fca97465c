import type { Stage } from './stage.ts'
import { openVisitor, type Visitor } from './visitor.ts'

/** Two people, each at a browser of their own: one asks, the other approves. */
export interface Operators {
  readonly ada: Visitor
  readonly grace: Visitor
  close(): void
}

/** Registers the two and signs each in by the link that the command prints. */
export async function enterOperators(stage: Stage): Promise<Operators> {
  const enter = async (name: string, role: string): Promise<Visitor> => {
    const address = `${name}@payments.example`
    const printed = await stage.run([
      'operator',
      'invite',
      name,
      '--address',
      address,
      '--role',
      role,
      '--json',
    ])
    const visitor = openVisitor(stage, stage.consolePort)
    await visitor.submit(new URL((JSON.parse(printed) as { link: string }).link).pathname)
    return visitor
  }
  const ada = await enter('ada', 'admin')
  const grace = await enter('grace', 'approver')
  return {
    ada,
    grace,
    close() {
      ada.close()
      grace.close()
    },
  }
}

/** What one asked for, approved by the other. */
export async function approve({ grace }: Operators, asked: unknown): Promise<void> {
  await grace.call('POST', `/v1/change-requests/${(asked as { id: string }).id}/approve`, {})
}
