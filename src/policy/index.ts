import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { SealpostError } from '../kernel/index.ts'
import type { CertificatePolicy } from '../sealer/host/index.ts'
import { policySchema } from './schema.ts'

/** One version of the crypto policy: which keys are good enough to be sent to. */
export type Policy = Readonly<z.infer<typeof policySchema>>

/**
 * Reads `keys-policy/<name>.json`, once, at start. Throws `config_invalid` when there is no such file or anything in
 * it is missing, misspelt or unknown.
 */
export function loadPolicy(name: string): Policy {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name))
    throw invalid('a policy name is lower-case letters, digits and hyphens')
  const file = new URL(`../../keys-policy/${name}.json`, import.meta.url)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalid(`there is no keys-policy/${name}.json`, cause)
  }
  return parsePolicy(text, `keys-policy/${name}.json`)
}

/** The policy in `text`; `source` names it in the error. */
export function parsePolicy(text: string, source: string): Policy {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw invalid(`${source} is not JSON`, cause)
  }
  const parsed = policySchema.safeParse(content)
  if (parsed.success) return parsed.data
  const places = parsed.error.issues.map(issue => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
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
  }
}

function invalid(detail: string, cause?: unknown): SealpostError {
  return new SealpostError('config_invalid', { detail, cause })
}
