import type {
  Answers,
  Decision,
  DeliveryAnswer,
  Enrolment,
  EvidenceFinding,
  EvidenceReport,
  Step,
  Who,
} from '../../../../verifier/index.ts'
import { inert } from '../../../output.ts'

const meanings: { readonly [Code in EvidenceFinding['code']]?: string } = {
  checkpoint_malformed: 'this is no checkpoint',
  signature_missing: "the log's key did not sign this",
  signature_wrong: "the signature is not the log's",
  event_missing: 'what the other events rest on is not there',
  event_altered: 'the event is not in the log at this leaf',
  event_not_canonical: 'the event is not canonical JSON',
  forked: 'the log was another when this checkpoint left it: it was made anew',
  cosignature_missing: 'this witness did not cosign the checkpoint',
  evidence_malformed: 'this is not a file of evidence, to the octet as it was issued',
  other_key: 'the key in the file is not the one that you gave',
  event_misplaced: 'events are out of order, or there twice',
  event_foreign: 'the event is not about this message',
  event_unfit: 'the event contradicts the others',
  answers_wrong: 'what the file says is not what its events say',
  reply_foreign: 'a reply of a server that no event has the digest of',
  ciphertext_unknown: 'this is none of the ciphertexts of this message',
}

const cautions: { readonly [Name in EvidenceReport['cautions'][number]]: string } = {
  key_not_pinned: 'The key came out of the file itself; give the one that you were given (--key).',
  not_anchored:
    'The checkpoint was compared with none from outside (--anchor, --witness): who has the log’s key could have made all of this anew.',
  signatures_unchecked:
    'The checkpoint has signatures by keys that you did not give; they were not looked at.',
}

const limits =
  'This shows what happened. That nothing else did, one file cannot show: the whole log can (audit export).'

/** A report for people, line by line. What comes from the file is made inert. */
export function describeEvidence(report: EvidenceReport): string {
  const { ok, findings, answers, log, events, witnessed, ciphertexts } = report
  const lines = findings.map(({ code, where }) => `${code} at ${where}: ${meanings[code] ?? ''}`)
  if (answers !== undefined) lines.push(...tell(answers))
  for (const { where, delivery } of ciphertexts) lines.push(`${where} is the ciphertext of ${delivery}`)
  for (const caution of report.cautions) lines.push(`CAUTION ${caution}: ${cautions[caution]}`)
  if (log !== undefined) lines.push(`log ${log.origin}: ${events} events proven in ${log.size} leaves`)
  for (const { witness, time } of witnessed)
    lines.push(`cosigned by ${witness} at ${new Date(time * 1_000).toISOString()}`)
  lines.push(...(ok ? [limits, 'OK: nothing is wrong'] : [`WRONG: ${findings.length} findings`]))
  return lines.map(inert).join('\n')
}

function tell({ message, accepted, application, policy, deliveries }: Answers): string[] {
  return [
    `${message}: accepted ${accepted.at} from ${application.id} (${text(application.san)})`,
    typeof policy === 'string'
      ? `crypto policy: ${policy}`
      : `crypto policy: ${text(policy.name)}, sha256 ${text(policy.sha256)}, ${decided(policy.decision)}`,
    ...deliveries.flatMap(tellDelivery),
  ]
}

function tellDelivery(one: DeliveryAnswer): string[] {
  const { delivery, state, recipient, certificate, ciphertext, destination, history, standing } = one
  const rules = typeof destination === 'string' ? [] : destination
  return [
    '',
    `${delivery} to ${text(recipient.address)} (${text(recipient.kind)}, ${recipient.id}): ${state.replace('_', ' ')}`,
    `  key        ${certificate.fingerprint}`,
    `  subkey     ${certificate.encryptionSubkey} (${text(certificate.algorithm)})`,
    ...tellEnrolment(certificate.enrolment, recipient.invited),
    `  ciphertext sha256 ${text(ciphertext.sha256)}, ${text(ciphertext.bytes)} bytes, ${text(ciphertext.format)}`,
    ...rules.map(
      rule => `  rule       ${rule.domain} ${text(rule.mode)}, ${rule.at}, ${decided(rule.decision)}`,
    ),
    ...history.flatMap(tellStep),
    ...standing.map(({ at, event, by, facts }) => {
      const { kind, reason, means, validUntil } = facts
      const more = [kind, reason, means, validUntil].filter(fact => fact !== undefined).map(text)
      return `  ${at} ${[event, ...more].join(' ')}, by ${named(by)}`
    }),
    ...(state === 'under_way' ? ['  So far: what came after this checkpoint is not here.'] : []),
  ]
}

function tellEnrolment(enrolment: Enrolment | null, invited: Step | null): string[] {
  if (enrolment === null) return []
  const { fingerprintVerified: verified, decision, certifiedBy } = enrolment
  return [
    ...(invited === null ? [] : [`  invited    ${invited.at} by ${named(invited.by)}`]),
    `  possession proved ${enrolment.possessionProved.at}`,
    ...(verified === null
      ? [`  certified  by ${certifiedBy?.fingerprint ?? ''}, the one before`]
      : [`  verified   ${verified.at} by ${named(verified.by)}, ${text(verified.means)}`]),
    ...(decision === null ? [] : [`  approved   ${decided(decision)}`]),
    `  active     since ${enrolment.activated.at}`,
  ]
}

function tellStep(step: DeliveryAnswer['history'][number]): string[] {
  const { at, event, outcome, attempt, host, reply } = step
  if (attempt === undefined) return [`  ${at} ${event}, by ${named(step.by)}`]
  const { rule, version, cipher, group, certificateSha256 } = (step.tls ?? {}) as Record<string, unknown>
  return [
    `  attempt ${text(attempt)}  ${at} ${text(outcome)}${host === null ? '' : `, ${text(host)}`}`,
    ...(version === undefined
      ? []
      : [
          `    TLS ${[version, cipher, group].map(text).join(' ')}, ${text(rule)}, certificate ${text(certificateSha256)}`,
        ]),
    ...(reply === null || reply === undefined ? [] : [`    said ${reply}`]),
  ]
}

function decided(decision: Decision | string | null): string {
  if (decision === null) return 'decided by one'
  if (typeof decision === 'string') return `asked and approved by: ${decision}`
  const { asked, approved } = decision
  return `asked by ${named(asked.by)} ${asked.at}, approved by ${named(approved.by)} ${approved.at}`
}

function named({ kind, id, name }: Who): string {
  return [name ?? kind, ...(id === undefined ? [] : [`(${id})`])].map(text).join(' ')
}

function text(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
