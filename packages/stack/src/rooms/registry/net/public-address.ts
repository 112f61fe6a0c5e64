import { BlockList, isIP } from 'node:net'

/**
 * IPv4 that is not the public Internet (IANA special-purpose registry): this host, private, shared, link-local with the
 * metadata services of clouds, protocol assignments, documentation, benchmarks, multicast, reserved.
 */
const NOT_PUBLIC_4 = new BlockList()
for (const [net, bits] of [
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
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOT_PUBLIC_4.addSubnet(net, bits, 'ipv4')

/** The part of IPv6 that is given out, and in it what is not: Teredo, 6to4 (they carry IPv4), documentation, ORCHID, benchmarks. */
const GIVEN_OUT_6 = new BlockList()
GIVEN_OUT_6.addSubnet('2000::', 3, 'ipv6')
const NOT_PUBLIC_6 = new BlockList()
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  NOT_PUBLIC_6.addSubnet(net, bits, 'ipv6')

/** Whether an IP address is one of the public Internet. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  const kind = isIP(address)
  if (kind === 4) return !NOT_PUBLIC_4.check(address, 'ipv4')
  if (kind !== 6 || address.includes('%')) return false
  return GIVEN_OUT_6.check(address, 'ipv6') && !NOT_PUBLIC_6.check(address, 'ipv6')
}
