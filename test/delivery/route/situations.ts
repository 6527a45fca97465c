import type { TlsLevel } from '../../../src/audit/index.ts'
import type { Outcome } from '../../../src/delivery/outcome.ts'
import { failed, insecure, mx, none, secure, tlsa, unknown, type Zones } from '../../support/zones.ts'

/** How the one server of a domain is to be authenticated, or why it is not tried. */
type Way = TlsLevel | Outcome

/** What DNS and the domain's policy host say, and what comes of it under three rules for the domain. */
export interface RouteSituation {
  readonly situation: string
  readonly zones: Zones
  /** What fetching the MTA-STS policy gives; without it there is none. */
  readonly policy?: 'enforce' | 'enforce_others' | 'testing' | 'unavailable'
  readonly auto: Way
  /** `auto` with the floor `dane`. */
  readonly floorDane: Way
  /** `secure` with the server listed by an admin; `pinned` goes the same way. */
  readonly listed: Way
}

const signed: Zones = {
  'MX bank.test': secure(mx(10, 'mx.bank.test')),
  'A mx.bank.test': secure('9.9.9.9'),
  'TLSA _25._tcp.mx.bank.test': secure(tlsa('ab')),
}
const unsigned: Zones = {
  'MX bank.test': insecure(mx(10, 'mx.bank.test')),
  'A mx.bank.test': insecure('9.9.9.9'),
}
const announced: Zones = { 'TXT _mta-sts.bank.test': insecure('v=STSv1; id=a1;') }
const listed = 'secure'
const unproved = {
  auto: 'destination_not_authenticated',
  floorDane: 'destination_not_authenticated',
  listed,
} as const
const dns = { auto: 'dns_failed', floorDane: 'dns_failed' } as const

/** One list for the test beside it and for docs/tls.md. */
export const routeSituations: readonly RouteSituation[] = [
  { situation: 'all is signed, with a TLSA record', zones: signed, auto: 'dane', floorDane: 'dane', listed },
  {
    situation: 'the same, and an MTA-STS policy that names other servers',
    zones: { ...signed, ...announced },
    policy: 'enforce_others',
    auto: 'dane',
    floorDane: 'dane',
    listed,
  },
  {
    situation: 'nothing is signed; an MTA-STS policy in mode enforce names the server',
    zones: { ...unsigned, ...announced },
    policy: 'enforce',
    auto: 'mta_sts',
    floorDane: 'destination_below_floor',
    listed,
  },
  {
    situation: 'nothing is signed; the policy names other servers only',
    zones: { ...unsigned, ...announced },
    policy: 'enforce_others',
    auto: 'mx_not_in_policy',
    floorDane: 'mx_not_in_policy',
    listed,
  },
  {
    situation: 'nothing is signed; the policy is in mode testing',
    zones: { ...unsigned, ...announced },
    policy: 'testing',
    ...unproved,
  },
  {
    situation: 'nothing is signed; a policy is announced, cannot be fetched, and none is known from before',
    zones: { ...unsigned, ...announced },
    policy: 'unavailable',
    auto: 'mta_sts_unavailable',
    floorDane: 'mta_sts_unavailable',
    listed,
  },
  {
    situation: 'nothing is signed; DNS fails where the policy would be announced',
    zones: { ...unsigned, 'TXT _mta-sts.bank.test': failed },
    policy: 'enforce',
    ...dns,
    listed,
  },
  { situation: 'nothing is signed, no policy', zones: unsigned, ...unproved },
  {
    situation: 'TLSA fails (SERVFAIL, bogus), with an MTA-STS policy that would do',
    zones: { ...signed, ...announced, 'TLSA _25._tcp.mx.bank.test': failed },
    policy: 'enforce',
    ...dns,
    listed,
  },
  {
    situation: 'the TLSA records are of kinds that mail does not use, with an MTA-STS policy',
    zones: {
      ...signed,
      ...announced,
      'TLSA _25._tcp.mx.bank.test': secure(tlsa('ab', { usage: 1 })),
    },
    policy: 'enforce',
    auto: 'mta_sts',
    floorDane: 'destination_below_floor',
    listed,
  },
  ...(['MX', 'A', 'TLSA'] as const).map(type => {
    const name = { MX: 'MX bank.test', A: 'A mx.bank.test', TLSA: 'TLSA _25._tcp.mx.bank.test' }[type]
    const change = { ...signed[name], secure: false } as Zones[string]
    const words = { MX: 'the MX records', A: 'the server’s addresses', TLSA: 'the TLSA records' }[type]
    return { situation: `all but ${words} is signed`, zones: { ...signed, [name]: change }, ...unproved }
  }),
  {
    situation: 'MX fails (SERVFAIL, bogus)',
    zones: { ...signed, 'MX bank.test': failed },
    ...dns,
    listed,
  },
  {
    situation: 'DNS says that the domain does not exist',
    zones: { ...signed, 'MX bank.test': unknown(true) },
    ...dns,
    listed,
  },
  {
    situation: 'the server’s addresses fail',
    zones: { ...signed, 'A mx.bank.test': failed },
    ...dns,
    listed: 'dns_failed',
  },
  {
    situation: 'the server’s address is private',
    zones: { ...signed, 'A mx.bank.test': secure('10.0.0.1') },
    auto: 'address_not_allowed',
    floorDane: 'address_not_allowed',
    listed: 'address_not_allowed',
  },
  {
    situation: 'the MX record is an address, in whatever notation',
    zones: { ...signed, 'MX bank.test': secure(mx(10, '0x7f.1')) },
    auto: 'address_not_allowed',
    floorDane: 'address_not_allowed',
    listed,
  },
  {
    situation: 'there is no MX record; the domain itself is signed, with a TLSA record',
    zones: {
      ...signed,
      'MX bank.test': none(true),
      'A bank.test': secure('9.9.9.9'),
      'TLSA _25._tcp.bank.test': secure(tlsa('ab')),
    },
    auto: 'dane',
    floorDane: 'dane',
    listed,
  },
  {
    situation: 'there is no MX record, and nothing is signed',
    zones: { ...unsigned, 'MX bank.test': none(false), 'A bank.test': insecure('9.9.9.9') },
    ...unproved,
  },
  {
    situation: 'the domain says that it takes no mail (null MX)',
    zones: { ...unsigned, 'MX bank.test': insecure(mx(0, '')) },
    auto: 'domain_takes_no_mail',
    floorDane: 'domain_takes_no_mail',
    listed,
  },
  {
    situation: 'the same, unsigned, against an MTA-STS policy in mode enforce',
    zones: { ...unsigned, ...announced, 'MX bank.test': insecure(mx(0, '')) },
    policy: 'enforce',
    auto: 'mx_not_in_policy',
    floorDane: 'mx_not_in_policy',
    listed,
  },
]
