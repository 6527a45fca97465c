import { invalid, type SettingsReader } from './read.ts'

/** Where checkpoints of the audit log are taken, besides the syslog server. */
export interface AnchorsConfig {
  readonly directory: string | undefined
  /** Submission prefixes (C2SP tlog-witness), and the line of each one's key. */
  readonly witnesses: readonly { readonly url: string; readonly verifier: string }[]
  /** Milliseconds. */
  readonly every: number
}

export interface AnchorsSecrets {
  /** PEM, for witnesses, instead of the roots of Node. */
  readonly witnessCa: string | undefined
}

export function anchorsConfig(read: SettingsReader): AnchorsConfig {
  return {
    directory: directory(read),
    witnesses: witnesses(read),
    every: read.integer('SEALPOST_ANCHOR_INTERVAL', 1, 3600) * 1000,
  }
}

export function anchorsSecrets(read: SettingsReader): AnchorsSecrets {
  return { witnessCa: read.optionalFile('SEALPOST_WITNESS_CA_FILE') }
}

function directory(read: SettingsReader): string | undefined {
  const path = read.optional('SEALPOST_ANCHOR_DIRECTORY')
  if (path === undefined || path.startsWith('/')) return path
  throw invalid('SEALPOST_ANCHOR_DIRECTORY', 'must be an absolute path')
}

function witnesses(read: SettingsReader): AnchorsConfig['witnesses'] {
  const list = read.optional('SEALPOST_WITNESSES')?.split(',') ?? []
  const found = list.map(text => {
    const [, url = '', verifier = ''] = /^(https:\S+) (\S+)$/.exec(text.trim()) ?? []
    // Which keys there are is for who uses them; their names become names of anchors.
    if (!isPlain(url) || !/^[A-Za-z0-9_.:/-]{1,100}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{1,100}$/.test(verifier))
      throw invalid('SEALPOST_WITNESSES', 'must hold a URL and a verifier key each, parted by one space')
    return { url, verifier }
  })
  const names = found.map(({ verifier }) => verifier.split('+', 1)[0])
  if (new Set(names).size !== names.length)
    throw invalid('SEALPOST_WITNESSES', 'names one witness twice; one witness is one anchor')
  return found
}

function isPlain(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (
    url?.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '' &&
    (url.href === text || url.href === `${text}/`)
  )
}
