import { isIPv4 } from 'node:net'

/** An address as it is recorded: IPv4 in its own form, also where a socket for both families took it. */
export function recordedAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.)/, '') ?? 'unknown'
}

/** The network that an address is counted with: its /24, or /48 for IPv6, which one household may have all of. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return `${address.split('.').slice(0, 3).join('.')}.0/24`
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  // Only the first three groups matter; what `::` stands for is zeros.
  const first = tail === undefined ? groups : [...groups, '0', '0', '0']
  return address.includes(':') ? `${first.slice(0, 3).join(':')}::/48` : address
}
