import { isIP } from 'node:net'
import { isPublicAddress } from './addresses.ts'
import { cleanHostName, isDeclared, readDeclared } from './host-name.ts'
import type { RefusalReason } from './refusals.ts'

/** The API as the konnector sees it in COZY_URL, and where its listener is, which may be loopback. */
export interface StackOrigin {
  host: string
  port: number
  /** What the gate dials; by default `host` and `port`, 127.0.0.1 for names below `localhost`. */
  connect?: { host: string; port: number }
}

/** A name the operator has tied to an address (`--gate-host`): the only way to a private one. The manifest must still declare it. */
export interface PinnedHost {
  host: string
  address: string
  /** By default the port asked for. A given one is open to the konnector beside 80 and 443. */
  port?: number
}

export interface GatePolicy {
  /** Declared names, `*.` for all below; `public`: the whole public internet, for manifests without `domains`. */
  domains: readonly string[] | 'public'
  stack?: StackOrigin
  pinnedHosts?: readonly PinnedHost[]
}

/** What may pass over a connection: a TLS handshake for the name, requests whose Host is the name, either, or anything. */
export type Speech = 'tls' | 'http' | 'either' | 'any'

export type Target = {
  name: string
  port: number
  speech: Speech
} & (
  | { kind: 'stack' | 'pinned'; address: string; dialPort: number }
  /** Each address found for the name must be public. */
  | { kind: 'internet' }
)

export type Verdict = { target: Target } | { refused: RefusalReason }

/** Decides by name and port alone, before any look-up: not even a DNS query leaves for a name that is not declared. */
export function createJudge(policy: GatePolicy): (host: string, port: number) => Verdict {
  const declared = policy.domains === 'public' ? undefined : readDeclared(policy.domains)
  const pinned = new Map(
    (policy.pinnedHosts ?? []).map(pin => {
      const name = cleanHostName(pin.host)
      if (name === undefined || isIP(pin.address) === 0) {
        throw new TypeError(`${pin.host}=${pin.address} ties no host name to an address.`)
      }
      return [name, pin]
    }),
  )
  const stack = policy.stack && { ...policy.stack, host: plain(policy.stack.host) }

  return (text, port) => {
    const host = plain(text)
    if (stack && host === stack.host && port === stack.port) return { target: stackTarget(stack) }
    if (isIP(host) !== 0) {
      if (!isPublicAddress(host)) return { refused: 'private_address' }
      if (declared) return { refused: 'literal' }
      return isWebPort(port) ? { target: { kind: 'internet', name: host, port, speech: 'any' } } : { refused: 'port' }
    }
    const name = cleanHostName(host)
    if (name === undefined) return { refused: 'malformed' }
    if (declared && !isDeclared(name, declared)) return { refused: 'undeclared' }
    const pin = pinned.get(name)
    if (!isWebPort(port) && port !== pin?.port) return { refused: 'port' }
    const speech: Speech = !declared && !pin ? 'any' : port === 443 ? 'tls' : port === 80 ? 'http' : 'either'
    if (!pin) return { target: { kind: 'internet', name, port, speech } }
    return { target: { kind: 'pinned', name, port, speech, address: pin.address, dialPort: pin.port ?? port } }
  }
}

/** The name a look-up may be answered for, whatever port comes next. */
export function judgeLookup(judge: ReturnType<typeof createJudge>, policy: GatePolicy, host: string): Verdict {
  if (policy.stack && plain(host) === plain(policy.stack.host)) return judge(host, policy.stack.port)
  return judge(host, 443)
}

function stackTarget({ host, port, connect }: StackOrigin): Target {
  const address = connect?.host ?? (host === 'localhost' || host.endsWith('.localhost') ? '127.0.0.1' : host)
  return { kind: 'stack', name: host, port, speech: 'either', address, dialPort: connect?.port ?? port }
}

function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function isWebPort(port: number): boolean {
  return port === 80 || port === 443
}
