import { UsageError } from '../terminal/output.ts'

/** Where a pinned name really lives. `tls` says whether TLS is spoken there for https; without it https goes plain. */
export interface Pin {
  host: string
  /** Absent: the port that the konnector asks for. */
  port?: number
  tls: boolean
}

/** Lower-case host names to addresses. */
export type Pins = Record<string, Pin>

/**
 * Reads one pin, `127.0.0.1:8080`, `127.0.0.1`, `[::1]:8080` or `https://127.0.0.1:8443`.
 * A plain address answers https as well, without TLS: a vendor faked on loopback seldom has a certificate for the
 * real one's name. With `https://` TLS is spoken, and its certificate is not checked for the same reason.
 *
 * @throws UsageError that names the pin when it cannot be read
 */
export function parsePin(name: string, address: unknown): Pin {
  const match = typeof address === 'string' && /^(https?:\/\/)?(\[[^\]]+\]|[^:/\s]+)(?::(\d{1,5}))?\/?$/.exec(address)
  if (!match || !/^[^\s/:]+$/.test(name))
    throw new UsageError(
      `Cannot read the host pin "${name}=${String(address)}": write name=address:port, for instance vendor.test=127.0.0.1:8080.`,
    )
  const [, scheme, host, port] = match
  return {
    host: host!.replace(/^\[|\]$/g, ''),
    ...(port ? { port: Number(port) } : {}),
    tls: scheme === 'https://',
  }
}

/** @returns pins of the config's `hosts` and of `--host name=address` options; the latter win. */
export function collectPins(hosts: Record<string, unknown> = {}, options: string[] = []): Pins {
  const pins: Pins = {}
  for (const [name, address] of Object.entries(hosts)) pins[name.toLowerCase()] = parsePin(name, address)
  for (const option of options) {
    const at = option.indexOf('=')
    const name = at < 0 ? option : option.slice(0, at)
    pins[name.toLowerCase()] = parsePin(name, at < 0 ? '' : option.slice(at + 1))
  }
  return pins
}
