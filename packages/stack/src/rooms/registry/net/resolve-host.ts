import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isPublicAddress } from './public-address.ts'

/** Something could not be had from elsewhere. `message` is for the person who waits for it. */
export class Unreachable extends Error {
  override name = 'Unreachable'
}

/**
 * The addresses of a host that may be connected to. Who connects must use these, and not ask for the name again: the second
 * answer may be another one.
 * @param host as in a URL, `[::1]` with its brackets
 * @throws Unreachable when there are none, or some are private and that is not allowed
 */
export async function resolveHost(host: string, { allowPrivate }: { allowPrivate: boolean }): Promise<string[]> {
  const name = host.replace(/^\[|\]$/g, '')
  const addresses = isIP(name) ? [name] : await ask(name)
  if (addresses.length === 0) throw new Unreachable(`${name} has no address`)
  if (!allowPrivate && !addresses.every(isPublicAddress))
    throw new Unreachable(`${name} is in a private network; the operator would have to allow it`)
  return addresses
}

async function ask(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } catch (cause) {
    throw new Unreachable(`${name} is not known`, { cause })
  }
}
