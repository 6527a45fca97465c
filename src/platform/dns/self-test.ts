import { exchange, type Server } from './exchange.ts'

export interface TestNames {
  /** Names in signed zones. */
  readonly signed: readonly string[]
  /** Names whose signatures are wrong, on purpose. */
  readonly bogus: readonly string[]
}

/** Kept by others for this very test; one of each is enough. */
export const publicNames: TestNames = {
  signed: ['.', 'nlnetlabs.nl'],
  bogus: ['dnssec-failed.org', 'rhybar.cz'],
}

export type Tested =
  | { readonly validates: true }
  | {
      readonly validates: false
      /**
       * `signed_not_proved`: it does not say that signed names are proved. `bogus_believed`: it hands out what it should
       * have refused. `no_answer`: too little was answered to tell; whoever can make it so learns nothing from it.
       */
      readonly reason: 'signed_not_proved' | 'bogus_believed' | 'no_answer'
    }

/**
 * Whether a resolver validates: a signed name must come with AD, a bogus one must not come at all, although it is there
 * for those who ask without validation (so that a resolver which is cut off does not look like one that validates).
 */
export async function testResolver(server: Server, names: TestNames = publicNames): Promise<Tested> {
  const [signed, bogus] = await Promise.all([
    Promise.all(names.signed.map(name => isProved(server, name))),
    Promise.all(names.bogus.map(name => isWithheld(server, name))),
  ])
  if (bogus.includes(false)) return { validates: false, reason: 'bogus_believed' }
  if (signed.includes(false)) return { validates: false, reason: 'signed_not_proved' }
  if (signed.includes(true) && bogus.includes(true)) return { validates: true }
  return { validates: false, reason: 'no_answer' }
}

async function isProved(server: Server, name: string): Promise<boolean | undefined> {
  const reply = await exchange(server, { name, type: 'A' })
  return reply?.kind === 'answered' ? reply.authentic : undefined
}

async function isWithheld(server: Server, name: string): Promise<boolean | undefined> {
  const reply = await exchange(server, { name, type: 'A' })
  if (reply?.kind === 'answered') {
    // A name that is no more is neither withheld nor believed.
    return reply.records.length > 0 ? false : undefined
  }
  if (reply === undefined) return undefined
  const open = await exchange(server, { name, type: 'A', unchecked: true })
  return open?.kind === 'answered' && open.records.length > 0 ? true : undefined
}
