/** DNS as mail needs it: MX, addresses, TLSA and TXT, and whether an answer was proved. */
export type { Dns, DnsAnswer, MxRecord, TlsaRecord } from './dns.ts'
export { openResolver, type Resolver, type ResolverOptions } from './resolver.ts'
export { type Tested, type TestNames, testResolver } from './self-test.ts'
export { systemDns } from './system.ts'
