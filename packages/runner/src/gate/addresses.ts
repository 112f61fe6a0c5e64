import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'

/** IANA's special-purpose registry for IPv4, and what clouds put where nobody would look. */
const closed4: [address: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  // Shared by carriers; Alibaba's metadata service 100.100.100.200 too.
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, the metadata address 169.254.169.254.
  ['169.254.0.0', 16],
  // Azure's host services answer here, in the middle of public space.
  ['168.63.129.16', 32],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/**
 * Inside 2000::/3, the only part of IPv6 that is open: Teredo, ORCHID and other protocol blocks, documentation, 6to4. What
 * carries an IPv4 address in it (::ffff:0:0/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48), fc00::/7 and fe80::/10 lie outside.
 */
const closed6: [address: string, prefix: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]

const closed = new BlockList()
for (const [address, prefix] of closed4) closed.addSubnet(address, prefix, 'ipv4')
for (const [address, prefix] of closed6) closed.addSubnet(address, prefix, 'ipv6')
const open6 = new BlockList()
open6.addSubnet('2000::', 3, 'ipv6')

/** Whether an address in canonical text is reachable by everybody on the internet. Anything else than an address: no. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !closed.check(address, 'ipv4')
  // A zone (`%eth0`) only makes sense on a link.
  if (!isIPv6(address) || address.includes('%')) return false
  return open6.check(address, 'ipv6') && !closed.check(address, 'ipv6')
}

/** This machine's own addresses: public or not, behind them sit services that trust their neighbours. */
export function ownAddresses(): Set<string> {
  return new Set(
    Object.values(networkInterfaces())
      .flatMap(entries => entries ?? [])
      .map(({ address }) => address),
  )
}
