import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Listr } from 'listr2'
import { type Address, SealpostError } from '../kernel/index.ts'
import { type Client, openClient } from './client.ts'
import { type MailServer, type ReceivedMail, startMailServer } from './mail-server.ts'
import { binaryCertificate, type Correspondent, createCorrespondent, readMail } from './recipient.ts'
import { type GatewayProcess } from './run-cli.ts'
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
  correspondent: Correspondent | undefined
  address: Address
  gateway: GatewayProcess
  client: Client
  mail: ReceivedMail
  content: string | undefined
  status: unknown
}

const subject = 'Chargeback 2026-1147'
// Published by card schemes for tests.
const text = 'Dear colleague,\n\nplease refund card 4111 1111 1111 1111, order 1147.\n'

/** The main job, end to end, on loopback: every part is the real one but for the CA and the mail server. */
export async function runDemo(options: DemoOptions): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const inbox: ReceivedMail[] = []
  let receive = (mail: ReceivedMail): void => void inbox.push(mail)
  const steps = new Listr<Walk>(
    [
      {
        title: 'PostgreSQL, a throw-away CA, a signing key, an application',
        task: async walk => {
          walk.stage = opened.adopt(await openStage(options.data), stage => stage.close())
        },
      },
      {
        title: "The recipient's mail server, STARTTLS on loopback",
        task: async walk => {
          walk.mailServer = opened.adopt(
            await startMailServer(walk.stage.mailIdentity, mail => receive(mail)),
            server => server.stop(),
          )
        },
      },
      {
        title: 'A recipient with a key, its certificate inspected in the sandbox',
        task: async walk => {
          walk.address = options.own?.address ?? ('disputes@acquirer.example' as Address)
          walk.correspondent = options.own === undefined ? await createCorrespondent(walk.address) : undefined
          const certificate =
            options.own === undefined
              ? walk.correspondent?.certificate
              : await binaryCertificate(await readFile(options.own.file))
          if (certificate === undefined) throw new SealpostError('usage')
          await walk.stage.addRecipient(walk.address, certificate, {
            port: walk.mailServer.port,
            tls: 'starttls',
          })
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
        title: 'A message with a card number, posted over mTLS, sealed, committed, delivered',
        task: async walk => {
          const answer = await walk.client.post({ from: stageSender, to: [walk.address], subject, text })
          if (answer.status !== 202)
            throw new Error(`the gateway answered ${answer.status} ${JSON.stringify(answer.body)}`)
          const path = `/v1/messages/${(answer.body as { id: string }).id}`
          walk.status = await settled(walk.client, path)
          const mail = inbox[0]
          if (mail === undefined) throw new Error('the mail server received nothing')
          walk.mail = mail
        },
      },
      {
        title: 'The recipient decrypts it and verifies the signature',
        skip: () => options.own !== undefined,
        task: async walk => {
          walk.content = await contentOf(walk, walk.mail)
        },
      },
    ],
    { rendererOptions: { collapseSubtasks: false } },
  )
  const walk = await steps.run({} as Walk)

  const mailFile = join(walk.stage.directory, 'received.eml')
  await writeFile(mailFile, walk.mail.bytes)
  await writeFile(join(walk.stage.directory, 'gateway.asc'), walk.stage.signer)
  printStory({
    mail: walk.mail.bytes,
    mailFile,
    content: walk.content,
    deliveries: describeDeliveries(walk.status),
    stage: walk.stage,
    apiPort: walk.gateway.apiPort,
    address: walk.address,
    stays: !options.exit,
  })
  if (options.exit) return
  receive = mail => void showArrival(walk, mail)
  await new Promise(resolve => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
}

/** What the recipient reads; undefined when only the user has the key. */
async function contentOf({ correspondent, stage }: Walk, mail: ReceivedMail): Promise<string | undefined> {
  if (correspondent === undefined) return undefined
  return readMail(correspondent, await binaryCertificate(Buffer.from(stage.signer)), mail.bytes)
}

async function showArrival(walk: Walk, mail: ReceivedMail): Promise<void> {
  const content = await contentOf(walk, mail)
  if (content !== undefined) printArrival(content)
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
