import { BlockList, isIP } from 'node:net'

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

// IANA special-purpose registries (RFC 6890 and its updates), multicast, and what embeds an IPv4 address.
const reserved4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const
const reserved6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const reserved = new BlockList()
for (const [network, prefix] of reserved4) reserved.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of reserved6) reserved.addSubnet(network, prefix, 'ipv6')
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

/**
 * Which addresses may be connected to: public ones, and those inside `allowed`. An address is judged in the very form
 * that is connected to afterwards; IPv4 inside IPv6 is judged as IPv4 and, being special, never public.
 */
export function peerGuard(allowed: readonly Network[]): (address: string) => boolean {
  const exceptions = new BlockList()
  for (const { address, prefix, family } of allowed) exceptions.addSubnet(address, prefix, family)
  return address => {
    const version = isIP(address)
    if (version === 0 || address.includes('%')) return false
    const family = version === 4 ? 'ipv4' : 'ipv6'
    if (exceptions.check(address, family)) return true
    return !reserved.check(address, family) && (version === 4 || globalUnicast.check(address, family))
  }
}
