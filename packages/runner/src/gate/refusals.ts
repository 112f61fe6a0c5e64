/** Why the gate let something not pass. Closed set; the sentences are for the run's log. */
export const refusalSentences = {
  undeclared: 'the manifest does not declare this name',
  literal: 'addresses cannot be declared, only names',
  private_address: 'it is not a public address',
  port: 'only ports 80 and 443 are open',
  server_name: 'the TLS handshake names another server',
  hidden_server_name: 'the TLS handshake hides the name of the server',
  host_header: 'the Host header names another site',
  not_tls: 'what is sent to this port is not TLS',
  not_http: 'what is sent to this port is not HTTP',
  malformed: 'it is not a host name',
  connections: 'too many connections at once',
  quota: 'the limit of bytes is reached',
} as const

export type RefusalReason = keyof typeof refusalSentences

export interface Refusal {
  host: string
  /** 0 for a look-up. */
  port: number
  reason: RefusalReason
  /** How often. */
  count: number
}

/** Names come from the konnector: cut, and without what could break a line of a log. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x21-\x7e]/g, '?') || '?'
}

/** More distinct ones are counted together: a konnector trying a million names fills no memory. */
const MAX_DISTINCT = 200

/** What was refused to one job, each once with its count. */
export class Refusals {
  readonly #seen = new Map<string, Refusal>()
  readonly #onFirst: (refusal: Refusal) => void

  /** @param onFirst called when something is refused for the first time */
  constructor(onFirst: (refusal: Refusal) => void) {
    this.#onFirst = onFirst
  }

  add(host: string, port: number, reason: RefusalReason): void {
    let entry = { host: printable(host), port, reason, count: 0 }
    let key = `${entry.host}:${port}:${reason}`
    if (!this.#seen.has(key) && this.#seen.size >= MAX_DISTINCT) {
      entry = { host: '(others)', port: 0, reason, count: 0 }
      key = `:${reason}`
    }
    const known = this.#seen.get(key)
    if (known) {
      known.count++
      return
    }
    entry.count = 1
    this.#seen.set(key, entry)
    this.#onFirst(entry)
  }

  list(): Refusal[] {
    return [...this.#seen.values()].map(entry => ({ ...entry }))
  }
}

/** A line for the run's log. */
export function refusalLine({ host, port, reason }: Refusal): string {
  return `refused ${port === 0 ? `look-up of ${host}` : `${host}:${port}`}: ${refusalSentences[reason]} (${reason})`
}
