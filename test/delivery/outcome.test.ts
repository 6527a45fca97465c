import { describe, expect, test } from 'vitest'
import {
  dispositionOf,
  type Outcome,
  outcomeOfRefusal,
  outcomes,
  type Step,
} from '../../src/delivery/outcome.ts'

const said = (step: Step, text: string): Outcome =>
  outcomeOfRefusal(step, { code: Number(text.slice(0, 3)), lines: [text.slice(4), 'words of no weight'] })

describe('a reply is named by its codes', () => {
  test.each<[Step, string, Outcome]>([
    ['rcpt', '550 5.1.1 no such user', 'mailbox_unknown'],
    ['rcpt', '550 5.1.6 moved', 'mailbox_unknown'],
    ['rcpt', '550 5.1.10 null MX', 'domain_takes_no_mail'],
    ['rcpt', '556 no mail here', 'domain_takes_no_mail'],
    ['rcpt', '550 5.2.1 disabled', 'mailbox_disabled'],
    ['rcpt', '550 5.2.2 full', 'mailbox_full'],
    ['rcpt', '552 full', 'mailbox_full'],
    ['rcpt', '550 refused', 'mailbox_rejected'],
    ['rcpt', '550 5.4.1 no access', 'mailbox_rejected'],
    ['rcpt', '550 5.7.1 not for you', 'policy_rejected'],
    ['rcpt', '550 5.7.30 REQUIRETLS support required', 'security_required'],
    ['mail', '550 5.7.10 encryption needed', 'security_required'],
    ['mail', '550 5.7.1 not you', 'sender_rejected'],
    ['mail', '550 5.1.1 nobody was asked for', 'sender_rejected'],
    ['mail', '550 5.1.8 no such domain', 'sender_rejected'],
    ['mail', '552 5.3.4 too large', 'message_too_large'],
    ['message', '550 5.7.26 no SPF, no DKIM', 'sender_not_authenticated'],
    ['message', '554 5.7.0 no', 'policy_rejected'],
    ['message', '554 no', 'message_rejected'],
    ['message', '552 no', 'message_too_large'],
    ['rcpt', '452 4.2.2 full', 'mailbox_full_for_now'],
    ['rcpt', '450 4.2.1 locked', 'mailbox_unavailable'],
    ['mail', '450 4.2.1 locked', 'server_busy'],
    ['rcpt', '450 4.7.1 come again', 'greylisted'],
    ['message', '421 4.7.28 too much', 'policy_deferred'],
    ['message', '452 4.3.1 no space', 'server_busy'],
    ['rcpt', '450 busy', 'server_busy'],
  ])('%s: %s → %s', (step, text, outcome) => {
    expect(said(step, text)).toBe(outcome)
  })

  test.each<[string, Outcome]>([
    // A class that is not the reply's own.
    ['550 4.2.2 full', 'mailbox_rejected'],
    ['450 5.1.1 unknown', 'server_busy'],
    // Not at the beginning, not whole, not a number.
    ['550 sorry 5.1.1', 'mailbox_rejected'],
    ['550 5.1.1x', 'mailbox_rejected'],
    ['550 5.1.1111', 'mailbox_rejected'],
    ['550 5.constructor.1', 'mailbox_rejected'],
    ['550 5.1', 'mailbox_rejected'],
    ['550 5.999.999 new', 'mailbox_rejected'],
  ])('what is no enhanced status code of this reply is words: %s', (text, outcome) => {
    expect(said('rcpt', text)).toBe(outcome)
  })

  test('before MAIL FROM nothing is permanent, whatever is claimed', () => {
    for (const step of ['greeting', 'ehlo', 'starttls'] as const) {
      for (const text of [
        '550 5.1.1 unknown',
        '554 5.7.1 no',
        '556 no',
        '450 4.7.1 later',
        '552 5.2.2 full',
      ]) {
        expect(dispositionOf(said(step, text))).toBe('temporary')
      }
    }
  })

  test('a 4xx is never permanent and no 5xx of the message is temporary, for every code there can be', () => {
    for (const step of ['mail', 'rcpt', 'data', 'message'] as const) {
      for (let subject = 0; subject <= 8; subject++) {
        for (let detail = 0; detail <= 40; detail++) {
          expect(dispositionOf(said(step, `450 4.${subject}.${detail} x`))).toBe('temporary')
          expect(dispositionOf(said(step, `550 5.${subject}.${detail} x`))).toBe('permanent')
        }
      }
    }
  })
})

test('every outcome says what it means', () => {
  for (const [disposition, meaning] of Object.values(outcomes)) {
    expect(disposition).toMatch(/^(?:delivered|temporary|permanent)$/)
    expect(meaning).toMatch(/^[A-Z].*\.$/)
  }
})
