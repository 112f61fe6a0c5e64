import { promises as dns } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import { isPublicAddress, ownAddresses } from './addresses.ts'
import type { Target } from './policy.ts'

/** Finds addresses of a name. Throws errors with Node's DNS codes. */
export type Resolve = (name: string) => Promise<string[]>

const TRY_TIMEOUT_MS = 10_000
/** A vendor's name is looked up once a minute at most, and a run sees one answer for a while: both kinder and quicker. */
const FRESH_MS = 60_000

/** Thrown when a name has an address that is not public. */
export class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress'
}

/**
 * Through c-ares, which needs no thread of the pool (a konnector with a slow name server would else hold up every file the
 * worker reads) and knows no /etc/hosts, where an operator's inner names live.
 */
export function createResolve(): Resolve {
  const resolver = new dns.Resolver({ timeout: 3000, tries: 2 })
  return async name => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [four, six].flatMap(result => (result.status === 'fulfilled' ? result.value : []))
    if (found.length === 0) throw four.status === 'rejected' ? four.reason : new Error(`${name} has no address.`)
    return found
  }
}

/** Dials what the policy let pass: one look-up, each address checked, and that very address dialled, so nothing can be swapped between. */
export class Dialer {
  readonly #resolve: Resolve
  readonly #own = ownAddresses()
  readonly #known = new Map<string, { until: number; addresses: Promise<string[]> }>()

  readonly #connect: (host: string, port: number) => Promise<Socket>

  constructor(resolve: Resolve = createResolve(), connectTo = open) {
    this.#resolve = resolve
    this.#connect = connectTo
  }

  /** @throws PrivateAddress, DNS errors */
  async addressesOf(target: Target): Promise<string[]> {
    if (target.kind !== 'internet') return [target.address]
    const addresses = isIP(target.name) ? [target.name] : await this.#find(target.name)
    if (addresses.some(address => !isPublicAddress(address) || this.#own.has(address))) {
      throw new PrivateAddress(`${target.name} has the address ${addresses.join(', ')}.`)
    }
    return addresses
  }

  /** @returns a connected socket, half-open allowed. @throws PrivateAddress, DNS errors, errors of connect */
  async dial(target: Target): Promise<Socket> {
    const port = target.kind === 'internet' ? target.port : target.dialPort
    let failure: unknown
    for (const host of await this.addressesOf(target)) {
      try {
        return await this.#connect(host, port)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  #find(name: string): Promise<string[]> {
    const now = performance.now()
    const known = this.#known.get(name)
    if (known && known.until > now) return known.addresses
    const addresses = this.#resolve(name)
    this.#known.set(name, { until: now + FRESH_MS, addresses })
    addresses.catch(() => this.#known.delete(name))
    return addresses
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error(`${host}:${port} does not answer.`), { code: 'ETIMEDOUT' })),
      TRY_TIMEOUT_MS,
    )
    socket.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
