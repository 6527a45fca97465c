import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { z } from 'zod'
import { SealpostError } from '../kernel/index.ts'
import type { CertificatePolicy } from '../sealer/host/index.ts'
import { policySchema } from './schema.ts'

/** One version of the crypto policy: which keys are good enough to be sent to, and how they live. */
export type Policy = Readonly<z.infer<typeof policySchema>>
export type Lifecycle = Policy['lifecycle']

export interface PolicyFile {
  readonly policy: Policy
  /** Of the file's octets, lower-case hex. */
  readonly sha256: string
}

const directory = new URL('../../keys-policy/', import.meta.url)
const parsed = new Map<string, Policy>()

/**
 * Reads `keys-policy/<name>.json`. Throws `config_invalid` when there is no such file or anything in it is missing,
 * misspelt or unknown.
 */
export function loadPolicy(name: string): Policy {
  return readPolicyFile(name).policy
}

/** As {@link loadPolicy}, with the digest of what was read. Looks at the file each time, and parses each content once. */
export function readPolicyFile(name: string): PolicyFile {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    throw invalid('a policy name is lower-case letters, digits and hyphens')
  let bytes: Buffer
  try {
    bytes = readFileSync(new URL(`${name}.json`, directory))
  } catch (cause) {
    throw invalid(`there is no keys-policy/${name}.json`, cause)
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const policy = parsed.get(sha256) ?? parsePolicy(bytes.toString('utf8'), `keys-policy/${name}.json`)
  parsed.set(sha256, policy)
  return { policy, sha256 }
}

/** The names of the policies that this installation has, sorted. Says nothing of which is in force. */
export function listPolicies(): readonly string[] {
  return readdirSync(directory)
    .filter(name => name.endsWith('.json'))
    .map(name => name.slice(0, -'.json'.length))
    .sort()
}

/** The policy in `text`; `source` names it in the error. */
export function parsePolicy(text: string, source: string): Policy {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${source} is not JSON`, cause)
  }
  const result = policySchema.safeParse(content)
  if (result.success) return result.data
  const places = result.error.issues.map(issue => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
  throw invalid(`${source}: ${places.join('; ')}`)
}

/** The part of the policy that the certificate verdict measures against. */
export function certificatePolicy(policy: Policy): CertificatePolicy {
  const { id, rsaBits, encryptionAlgorithms, signatureAlgorithms, signatureHashes, formats } = policy
  return {
    id,
    minRsaBits: rsaBits.min,
    maxRsaBits: rsaBits.max,
    encryptionAlgorithms,
    signatureAlgorithms,
    signatureHashes,
    formats,
    encryptionDays: policy.cryptoperiods.encryptionDays,
    sunsets: policy.legacy,
  }
}

/** The part of the policy that enrolment, replacement and upkeep go by. */
export function lifecycleOf(policy: Policy): Lifecycle {
  return policy.lifecycle
}

function invalid(detail: string, cause?: unknown): SealpostError {
  return new SealpostError('config_invalid', { detail, cause })
}
