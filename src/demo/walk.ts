import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Listr } from 'listr2'
import { type Address, domainOf } from '../kernel/index.ts'
import { type Client, openClient } from './client.ts'
import { admit, invite, propose, prove, proved } from './enrolment.ts'
import { type VerifiedEvidence, verifiedEvidence } from './evidence.ts'
import { type Inbox, openInbox } from './inbox.ts'
import { type MailServer, startMailServer } from './mail-server.ts'
import { readable } from './mail-text.ts'
import { approve, enterOperators, type Operators } from './operators.ts'
import {
  armouredCertificate,
  binaryCertificate,
  type Correspondent,
  createCorrespondent,
  readMail,
} from './recipient.ts'
import type { GatewayProcess } from './run-cli.ts'
import { openStage, type Stage, stageSender } from './stage.ts'
import { describeDeliveries, printArrival, printStory } from './story.ts'

export interface DemoOptions {
  /** End after the walk instead of staying up. */
  readonly exit: boolean
  /** A certificate of the user's own, armoured or binary, and its address. */
  readonly own: { readonly file: string; readonly address: Address } | undefined
  /** Directory for PostgreSQL's data; temporary when undefined. */
  readonly data: string | undefined
}

/** What the walk gathers on its way. Each step needs what those before it left. */
interface Walk {
  stage: Stage
  mailServer: MailServer
  gateway: GatewayProcess
  client: Client
  operators: Operators
  recipient: string
  /** Absent when only the user has the private key. */
  correspondent: Correspondent | undefined
  words: readonly string[]
  mail: Buffer
  content: string | undefined
  status: unknown
  message: string
  mailFile: string
  evidence: VerifiedEvidence
}

const subject = 'Chargeback 2026-1147'
// Published by card schemes for tests.
const text = 'Dear colleague,\n\nplease refund card 4111 1111 1111 1111, order 1147.\n'

/** The main job, end to end, on loopback: every part is the real one but for the CA, the mail server and the people. */
export async function runDemo(options: DemoOptions): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const address = options.own?.address ?? ('disputes@acquirer.example' as Address)
  const inbox: Inbox = openInbox()
  const steps = new Listr<Walk>(
    [
      {
        title: 'PostgreSQL, a throw-away CA, a signing key, an application',
        task: async walk => {
          walk.stage = opened.adopt(await openStage(options.data), stage => stage.close())
        },
      },
      {
        title: 'A mail server for everybody else, STARTTLS on loopback',
        task: async walk => {
          walk.mailServer = opened.adopt(
            await startMailServer(walk.stage.mailIdentity, inbox.receive),
            server => server.stop(),
          )
        },
      },
      {
        title: 'The gateway: `sealpost serve`',
        task: async walk => {
          walk.gateway = opened.adopt(await walk.stage.startGateway(), gateway => gateway.stop())
          walk.client = opened.adopt(openClient(walk.stage, walk.gateway.apiPort), client => client.close())
        },
      },
      {
        title: 'Two operators sign in; ada asks for the crypto policy, grace approves',
        task: async walk => {
          walk.operators = opened.adopt(await enterOperators(walk.stage), people => people.close())
          await approve(
            walk.operators,
            await walk.operators.ada.call('POST', '/v1/policies', { policy: 'standard' }),
          )
        },
      },
      {
        title: `ada asks to pin the mail server of ${domainOf(address)}, grace approves`,
        task: async ({ operators, stage, mailServer }) => {
          const rule = stage.mailRule(mailServer.port)
          // Notices to the operators go to the same server.
          for (const domain of new Set([address, stageSender].map(domainOf)))
            await approve(operators, await operators.ada.call('POST', '/v1/destinations', { domain, rule }))
        },
      },
      {
        title: `ada invites ${address}, who opens the link of the mail and gives a certificate`,
        task: async walk => {
          walk.recipient = await invite(walk.operators, address)
          walk.correspondent = options.own === undefined ? await createCorrespondent(address) : undefined
          const file =
            options.own === undefined ? walk.correspondent?.certificate : await readFile(options.own.file)
          const invitation = await inbox.next(address)
          await propose(
            walk.stage,
            invitation.toString('latin1'),
            await armouredCertificate(file ?? Buffer.of()),
          )
        },
      },
      {
        title: 'A code arrives, encrypted to that certificate; it is decrypted and returned',
        task: async (walk, task) => {
          const challenge = await inbox.next(address)
          const readByUs = await contentOf(walk, challenge)
          if (readByUs !== undefined) return prove(walk.stage, readable(readByUs))
          const file = join(walk.stage.directory, 'code.eml')
          await writeFile(file, challenge)
          task.output = `Only your key reads it: ${reading(file)}\nThen open the link in it.`
          await proved(walk.operators, walk.recipient)
        },
        rendererOptions: { outputBar: Number.POSITIVE_INFINITY },
      },
      {
        title: 'ada compares the fingerprint by phone, grace approves: the certificate is active',
        task: async (walk, task) => {
          walk.words = await admit(walk.operators, walk.recipient)
          task.output = walk.words.join(' ')
          await inbox.next(address)
        },
        rendererOptions: { persistentOutput: true },
      },
      {
        title: 'A message with a card number, posted over mTLS, sealed, committed, delivered',
        task: async walk => {
          const answer = await walk.client.post({ from: stageSender, to: [address], subject, text })
          if (answer.status !== 202)
            throw new Error(`the gateway answered ${answer.status} ${JSON.stringify(answer.body)}`)
          walk.message = (answer.body as { id: string }).id
          walk.status = await settled(walk.client, `/v1/messages/${walk.message}`)
          walk.mail = await inbox.next(address)
          walk.mailFile = join(walk.stage.directory, 'received.eml')
          await writeFile(walk.mailFile, walk.mail)
        },
      },
      {
        title: 'The recipient decrypts it and verifies the signature',
        skip: () => options.own !== undefined,
        task: async walk => {
          walk.content = await contentOf(walk, walk.mail)
        },
      },
      {
        title: 'Its evidence is fetched, and verified offline with the key of the audit log',
        task: async walk => {
          walk.evidence = await verifiedEvidence(walk.stage, walk.client, walk.message, walk.mailFile)
        },
      },
    ],
    { rendererOptions: { collapseSubtasks: false } },
  )
  const walk = await steps.run({} as Walk)

  printStory({
    mail: walk.mail,
    mailFile: walk.mailFile,
    evidence: walk.evidence,
    content: walk.content,
    deliveries: describeDeliveries(walk.status),
    stage: walk.stage,
    apiPort: walk.gateway.apiPort,
    address,
    stays: !options.exit,
  })
  if (options.exit) return
  let arrived = 0
  inbox.watch(({ to, bytes }) => void showArrival(walk, to, bytes, ++arrived))
  await new Promise(resolve => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
}

/** What the recipient reads; undefined when only the user has the key. */
async function contentOf({ correspondent, stage }: Walk, mail: Buffer): Promise<string | undefined> {
  if (correspondent === undefined) return undefined
  return readMail(correspondent, await binaryCertificate(Buffer.from(stage.signer)), mail)
}

/** A mail in clear, or to the walk's own recipient, as its reader sees it; any other waits in a file for its key. */
async function showArrival(walk: Walk, to: readonly string[], mail: Buffer, number: number): Promise<void> {
  const sealed = mail.includes('-----BEGIN PGP MESSAGE-----')
  const content = sealed ? await contentOf(walk, mail).catch(() => undefined) : mail.toString('utf8')
  if (content !== undefined) {
    printArrival(to, readable(content))
    return
  }
  const file = join(walk.stage.directory, `mail-${number}.eml`)
  await writeFile(file, mail)
  printArrival(to, `Only its key reads it: ${reading(file)}`)
}

/** What shows the text of a mail at the command line; a mail program needs no such thing. */
function reading(file: string): string {
  return `gpg --decrypt ${file} | sed '1,/^\\r$/d' | base64 -di`
}

async function settled(client: Client, path: string): Promise<unknown> {
  for (let tries = 0; tries < 150; tries++) {
    const { body } = await client.get(path)
    const { state } = body as { state: string }
    if (state === 'delivered') return body
    if (state === 'failed') throw new Error(`the delivery failed: ${JSON.stringify(body)}`)
    await sleep(100)
  }
  throw new Error('the message was not delivered in time')
}
