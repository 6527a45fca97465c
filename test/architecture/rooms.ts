/**
 * The rooms of the house and their arrows: what each may import beside itself (docs/architecture.md). A room is a
 * folder of `src/` with an `index.ts` as its door, or a file of `src/`. What is not listed is refused.
 */
const below = ['kernel', 'config', 'platform'] as const
const features = [
  'audit',
  'sealer/host',
  'policy',
  'access',
  'notices',
  'keys',
  'recipients',
  'custody',
  'delivery',
  'intake',
  'connections',
  'tlog',
  'audit-log',
  'evidence',
  'review',
  'contract',
  'updates',
  'webhooks',
] as const

export const rooms = {
  kernel: [],
  config: ['kernel'],
  platform: ['kernel', 'config'],
  audit: below,
  // What an auditor's copy of the program consists of: the formats of the log, and the verifier on top of them.
  tlog: [],
  'card-data': [],
  'attachment-metadata': [],
  // What applications may say and are told, as schemas. The client has nothing of the house but types made of these.
  contract: [],
  client: [],
  verifier: ['tlog'],
  witness: [...below, 'tlog'],
  // verifier: an archive counts when the program that auditors run finds nothing wrong with it.
  'audit-log': [...below, 'tlog', 'verifier', 'audit'],
  'sealer/protocol.ts': ['kernel'],
  'sealer/host': [...below, 'sealer/protocol.ts'],
  'sealer/inside': ['kernel', 'card-data', 'attachment-metadata', 'sealer/protocol.ts'],
  policy: [...below, 'audit'],
  access: [...below, 'audit'],
  notices: [...below, 'audit'],
  keys: [...below, 'policy', 'sealer/host', 'access', 'audit', 'notices'],
  recipients: [...below, 'policy', 'sealer/host', 'keys', 'access', 'audit', 'notices'],
  custody: [...below, 'tlog', 'sealer/host', 'access', 'audit'],
  delivery: [...below, 'keys', 'recipients', 'access', 'notices', 'audit'],
  // access: the sender of a message is one of the application's own, which intake asks about.
  updates: [...below, 'audit'],
  webhooks: [...below, 'audit', 'access', 'custody', 'updates'],
  intake: [...below, 'sealer/host', 'policy', 'recipients', 'keys', 'delivery', 'access', 'audit'],
  // verifier: what is derived from the events is derived by the very program that checks it.
  evidence: [...below, 'tlog', 'verifier', 'audit', 'audit-log', 'policy'],
  review: [...below, 'audit', 'audit-log', 'access', 'notices', 'policy', 'keys', 'recipients', 'delivery'],
  connections: [...below, 'audit', 'policy'],
  doctor: [...below, 'audit', 'audit-log', 'policy', 'keys', 'connections'],
  http: [...below, ...features, 'card-data'],
  gateway: [...below, ...features, 'http'],
  cli: [...below, ...features, 'card-data', 'verifier', 'witness', 'doctor', 'gateway'],
  demo: [...below, ...features, 'http', 'gateway'],
} as const satisfies Record<string, readonly string[]>

export type Room = keyof typeof rooms

/** The door of sealer/host also names the sealer's words (certificate, policy, format): these rooms use its types only. */
export const sealerWords: readonly Room[] = ['policy']

/** Which rooms may import a package. A package not listed is refused everywhere. */
export const packages: Record<string, readonly Room[]> = {
  openpgp: ['sealer/inside', 'demo'], // the demo plays the recipient, outside every gateway
  'nodemailer/dist/esm/smtp-connection': ['delivery'], // of nodemailer, nothing that reads an address or builds a mail
  express: ['http'],
  '@fastify/busboy': ['http', 'sealer/inside'],
  zod: ['contract', 'http', 'policy', 'delivery', 'access', 'recipients', 'cli'],
  pg: ['platform'],
  'pg-boss': ['platform', 'delivery'],
  pino: ['platform'],
  'dns-packet': ['platform'],
  '@peculiar/x509': ['platform'],
  'reflect-metadata': ['platform'],
  'credit-card-type': ['card-data'],
  commander: ['cli'],
  listr2: ['cli', 'demo'],
  'smtp-server': ['demo'],
  'postal-mime': ['demo'],
}

/** Their values may be imported by these rooms, their types by every room but those of {@link builtinsOnly}. */
export const typesEverywhere: Record<string, readonly Room[]> = {
  knex: ['platform'],
}

/** Which rooms may import a module of Node that reaches outside the process. Others are free for all. */
export const reachingBuiltins: Record<string, readonly Room[]> = {
  child_process: ['platform', 'sealer/host', 'demo'],
  cluster: [],
  dgram: ['platform'],
  dns: ['platform', 'delivery'],
  fs: [
    'config',
    'platform',
    'sealer/host',
    'policy',
    'custody',
    'audit-log',
    'verifier',
    'witness',
    'doctor',
    'cli',
    'demo',
  ],
  http: ['http', 'platform', 'witness', 'demo'], // platform: lists of revoked certificates, which are signed; witness: types
  http2: [],
  https: ['http', 'client', 'platform', 'witness', 'demo'],
  inspector: [],
  net: ['config', 'platform', 'access', 'delivery', 'webhooks', 'http', 'demo'],
  repl: [],
  tls: ['platform', 'access', 'delivery', 'http', 'demo'],
  v8: [],
  vm: [],
  wasi: [],
  worker_threads: [],
}

/** Rooms that may import these modules of Node and no others. */
export const builtinsOnly = {
  kernel: ['crypto'],
  tlog: ['buffer', 'crypto'],
  'card-data': ['crypto', 'zlib'],
  'attachment-metadata': ['zlib'],
  'sealer/inside': ['buffer', 'crypto', 'events', 'process', 'stream', 'string_decoder', 'util'],
} as const satisfies Partial<Record<Room, readonly string[]>>
