import { PassThrough } from 'node:stream'
import type { Knex } from 'knex'
import PostalMime, { type Email } from 'postal-mime'
import { addApplication, addOperator, issueSignInLink, type OperatorRole } from '../../src/access/index.ts'
import type { Config, Secrets } from '../../src/config/index.ts'
import { initSigningKey } from '../../src/custody/index.ts'
import {
  type Client,
  type Correspondent,
  createCorrespondent,
  type MailServer,
  openClient,
  type ReceivedMail,
  readMail,
  startMailServer,
} from '../../src/demo/index.ts'
import { type Gateway, startGateway } from '../../src/gateway/index.ts'
import { type Address, domainOf, type OperatorId, systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { type BrowserClient, openBrowser } from './browser-client.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { heldToDocument } from './held-to-document.ts'
import { activateRecipient, approvePolicy, quickToDerive, setDestination } from './shortcut.ts'

/** A gateway in this process, with a database of its own and a mail server; everything real but DNS and time. */
export interface House {
  readonly database: TestDatabase
  readonly owner: Knex
  readonly gateway: Gateway
  readonly port: number
  readonly authority: Identity
  /** What the listeners were started with. */
  readonly secrets: Secrets
  readonly serverIdentity: Identity
  readonly mailAuthority: Identity
  readonly client: Client
  readonly sender: Address
  /** The gateway's public OpenPGP certificate, binary. */
  readonly signer: Uint8Array
  readonly inbox: readonly ReceivedMail[]
  /** Everything the gateway has logged. */
  readonly log: () => string
  /** A browser of its own, at the console or at the recipients' pages. Closed with the house. */
  browser(where: 'console' | 'public'): BrowserClient
  /** A browser at the console in which this operator, a new one, is signed in. */
  signedIn(
    name: string,
    ...roles: readonly OperatorRole[]
  ): Promise<BrowserClient & { readonly id: OperatorId }>
  /** A client under another certificate of the private CA. Throws when an answer is not what the api's document says. */
  clientNamed(uri: string): Promise<Client>
  /** Enrols an address with a fresh key, reachable at the house's mail server or at another port of localhost. */
  addRecipient(address: string, port?: number): Promise<Correspondent>
  /** From now on, mail to that domain goes to the house's mail server, or to another port of localhost. */
  route(domain: string, port?: number): Promise<void>
  /** What a mail program shows of a mail once it is decrypted and its signature is verified. */
  read(correspondent: Correspondent, mail: ReceivedMail | undefined): Promise<Email>
  /** Resolves with the inbox once it holds that many mails. */
  received(count: number): Promise<readonly ReceivedMail[]>
  close(): Promise<void>
}

const passphrase = 'correct horse battery staple'

export async function openHouse(
  settings: Partial<Config> = {},
  moreSecrets: Partial<Secrets> = {},
): Promise<House> {
  await using opened = new AsyncDisposableStack()
  const database = opened.adopt(await testDatabase(), test => test.drop())
  const owner = opened.adopt(
    openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 3 }),
    pool => pool.close(),
  ).knex
  const authority = await createAuthority({ commonName: 'test CA', days: 1 })
  const mailAuthority = await createAuthority({ commonName: 'test mail CA', days: 1 })
  const server = await issueServerCertificate(authority, {
    dnsNames: ['localhost', 'console.gateway.test', 'keys.gateway.test'],
    days: 1,
  })
  const mailIdentity = await issueServerCertificate(mailAuthority, { dnsNames: ['localhost'], days: 1 })
  const inbox: ReceivedMail[] = []
  const mailServer: MailServer = opened.adopt(
    await startMailServer(mailIdentity, mail => inbox.push(mail)),
    running => running.stop(),
  )

  const sender = 'settlement@payments.example' as Address
  await addApplication(owner, systemClock, {
    name: 'billing',
    san: 'URI:urn:test:billing',
    senders: [sender],
    ratePerMinute: 1_000_000,
  })
  await approvePolicy(owner)
  const { certificate: signer } = await initSigningKey(
    owner,
    systemClock,
    generateSigningKey,
    'gateway@gateway.test' as Address,
    passphrase,
    quickToDerive,
  )

  const config: Config = {
    roles: ['api', 'courier'],
    api: { host: '127.0.0.1', port: 0 },
    console: { host: '127.0.0.1', port: 0 },
    public: { host: '127.0.0.1', port: 0 },
    ops: { host: '127.0.0.1', port: 0 },
    consoleUrl: 'https://console.gateway.test',
    notices: {
      from: 'notices@gateway.test' as Address,
      mailHost: 'gateway.test',
      publicUrl: 'https://keys.gateway.test',
      organisation: 'Example Payments',
    },
    discovery: false,
    keyserver: undefined,
    mailHost: 'gateway.test',
    sealers: 1,
    attachmentMegabytes: 25,
    databasePool: 6,
    resolver: undefined,
    relayRule: undefined,
    allowedNetworks: [
      { address: '127.0.0.0', prefix: 8, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
    ],
    exposure: 'internal',
    foreignCertificates: [],
    logLevel: 'debug',
    ...settings,
  }
  const secrets: Secrets = {
    database: database.gateway,
    certificate: server.certificate,
    key: server.key,
    publicIdentity: server,
    clientCa: authority.certificate,
    clientCrl: undefined,
    publicCa: undefined,
    relayCredentials: undefined,
    ...moreSecrets,
  }
  let logged = ''
  const destination = new PassThrough({ encoding: 'utf8' }).on('data', (text: string) => {
    logged += text
  })
  const log = openLogger({ level: config.logLevel, destination })
  const gateway = opened.adopt(
    await startGateway(config, secrets, () => Promise.resolve(passphrase), systemClock, log),
    running => running.stop(),
  )
  const port = gateway.apiPort ?? 0

  const clients = opened.use(new DisposableStack())
  const clientNamed = async (uri: string): Promise<Client> => {
    const client = await issueClientCertificate(authority, { uri, days: 1 })
    const opened = clients.adopt(openClient({ client, authority }, port), connection => connection.close())
    return heldToDocument(opened)
  }
  const client = await clientNamed('urn:test:billing')
  const browser = (where: 'console' | 'public'): BrowserClient => {
    const [port = 0, origin] =
      where === 'console'
        ? ([gateway.consolePort, config.consoleUrl] as const)
        : ([gateway.publicPort, config.notices.publicUrl] as const)
    return clients.adopt(openBrowser({ port, origin, ca: authority.certificate }), opened => opened.close())
  }
  const route = (domain: string, mailPort = mailServer.port): Promise<void> =>
    setDestination(owner, domain, {
      mode: 'pinned',
      hosts: [{ name: 'localhost', port: mailPort, tls: 'starttls' }],
      pins: { ca: mailAuthority.certificate },
    })
  const resources = opened.move()
  return {
    database,
    owner,
    gateway,
    port,
    authority,
    secrets,
    serverIdentity: server,
    mailAuthority,
    client,
    sender,
    signer,
    inbox,
    log: () => logged,
    clientNamed,
    browser,
    route,
    async signedIn(name, ...roles) {
      const address = `${name}@payments.example` as Address
      const { id } = await addOperator(owner, systemClock, { name, address, roles })
      const { token } = await issueSignInLink(owner, systemClock, name)
      const opened = browser('console')
      const answer = await opened.submit(`/sign-in/${token}`)
      if (answer.status !== 303) throw new Error(`signing in answered ${answer.status}: ${answer.text}`)
      return { ...opened, id }
    },
    async addRecipient(address, mailPort) {
      const correspondent = await createCorrespondent(address as Address)
      await route(domainOf(correspondent.address), mailPort)
      await activateRecipient(owner, correspondent.address, correspondent.certificate)
      return correspondent
    },
    async read(correspondent, mail) {
      if (mail === undefined) throw new Error('there is no mail')
      return PostalMime.parse(await readMail(correspondent, signer, mail.bytes))
    },
    async received(count) {
      const deadline = Date.now() + 15_000
      while (inbox.length < count) {
        if (Date.now() > deadline)
          throw new Error(`received ${inbox.length} of ${count} mails; log:\n${logged}`)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      return inbox
    },
    close: () => resources.disposeAsync(),
  }
}
