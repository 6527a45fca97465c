import type { VerifiedEvidence } from './evidence.ts'
import { readable } from './mail-text.ts'
import type { Stage } from './stage.ts'

/** One line of the delivery log. */
interface DeliveryLine {
  readonly recipient: string
  readonly state: string
  readonly attempts: readonly {
    readonly outcome: string
    readonly host?: string
    readonly tls?: {
      readonly version: string
      readonly cipher: string
      readonly group?: string
      readonly rule: string
    }
    readonly reply?: string
  }[]
}

export interface Story {
  readonly mail: Buffer
  readonly mailFile: string
  readonly evidence: VerifiedEvidence
  /** What the recipient decrypted, or undefined when only the user can. */
  readonly content: string | undefined
  readonly deliveries: readonly DeliveryLine[]
  readonly stage: Stage
  readonly apiPort: number
  readonly address: string
  readonly stays: boolean
}

export function describeDeliveries(status: unknown): readonly DeliveryLine[] {
  return (status as { deliveries: readonly DeliveryLine[] }).deliveries
}

/** Tells what happened, as it was seen from each place. */
export function printStory(story: Story): void {
  const { mail, content, deliveries } = story
  heading('What the wire saw')
  const lines = mail.toString('latin1').split('\r\n')
  const armour = lines.findIndex(line => line.startsWith('-----BEGIN PGP'))
  say([...lines.slice(0, armour + 4), `… ${lines.length - armour - 4} more lines`])

  heading('What the recipient decrypts, signature verified')
  if (content === undefined) {
    say([
      `only your key can tell:`,
      `gpg --import ${story.stage.directory}/gateway.asc && gpg --decrypt ${story.mailFile}`,
    ])
  } else say(readable(content).split('\n'))

  heading('The delivery log')
  for (const { recipient, state, attempts } of deliveries) {
    for (const { outcome, host, tls, reply } of attempts) {
      const channel =
        tls === undefined ? 'no TLS' : `${tls.version} ${tls.cipher} ${tls.group ?? ''} (${tls.rule})`
      say([`${recipient}: ${state}`, `  ${outcome} · ${host ?? ''} · ${channel}`, `  ${reply ?? ''}`])
    }
  }
  heading('What its evidence proves, without asking us')
  say(story.evidence.said)
  if (!story.stays) return

  heading('Send another')
  const { ca, clientCertificate, clientKey } = story.stage.files
  const example = JSON.stringify({
    from: 'settlement@payments.example',
    to: [story.address],
    subject: 'Another',
    text: 'Card 5555 5555 5555 4444',
  })
  say([
    `curl --cacert ${ca} \\`,
    `  --cert ${clientCertificate} --key ${clientKey} \\`,
    `  https://localhost:${story.apiPort}/v1/messages \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${example}'`,
  ])
  heading('Walk the whole way yourself, in a browser')
  say([
    'It does not know our CA, so it will warn. Two operators, two sign-in links, each good once and for ten minutes:',
    `. ${story.stage.directory}/environment`,
    'bin/sealpost operator sign-in ada     # asks: invite somebody @acquirer.example, compare fingerprints, revoke',
    'bin/sealpost operator sign-in grace   # approves',
    'Every mail that arrives is shown here.',
    '',
    'Ctrl-C ends everything and removes it.',
  ])
}

/** Tells of a mail that came later, in the words of its reader. */
export function printArrival(to: readonly string[], content: string): void {
  heading(`Mail for ${to.join(', ')}`)
  say(content.split('\n'))
}

function heading(title: string): void {
  process.stdout.write(`\n── ${title} ${'─'.repeat(Math.max(0, 74 - title.length))}\n`)
}

function say(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`   ${line}\n`)
}
