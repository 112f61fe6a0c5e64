import { type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { resolveHost, Unreachable } from './resolve-host.ts'

export interface FetchOptions {
  /** Bytes of the answer that are read. */
  most: number
  /** Milliseconds for everything, redirects included. */
  timeout: number
  /** Whether loopback and private addresses may be asked. */
  allowPrivate: boolean
  headers?: Record<string, string> | undefined
  signal?: AbortSignal | undefined
}

export interface Fetched {
  status: number
  headers: IncomingMessage['headers']
  bytes: Buffer
  /** Where it came from in the end. */
  url: string
}

const REDIRECTS = 5

/**
 * One GET. The host is resolved once and its address dialled, at each redirect anew: no name leads into the private network,
 * and none changes its mind between the check and the connection.
 * @throws Unreachable when there is no answer, or one that is too long; a status is never an error here
 */
export async function fetchBytes(address: string, options: FetchOptions): Promise<Fetched> {
  const deadline = AbortSignal.timeout(options.timeout)
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline
  try {
    let url = new URL(address)
    for (let hop = 0; ; hop++) {
      const { response, bytes } = await get(url, options, signal)
      const { statusCode: status = 0, headers } = response
      if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined)
        return { status, headers, bytes, url: url.href }
      if (hop === REDIRECTS) throw new Unreachable(`${url.host} sends us around in circles`)
      if (!URL.canParse(headers.location, url)) throw new Unreachable(`${url.host} sends us nowhere`)
      const next = new URL(headers.location, url)
      if (url.protocol === 'https:' && next.protocol !== 'https:')
        throw new Unreachable(`${url.host} sends us on without https`)
      url = next
    }
  } catch (cause) {
    if (cause instanceof Unreachable) throw cause
    if (options.signal?.aborted) throw new Unreachable('It was given up', { cause })
    const host = URL.canParse(address) ? new URL(address).host : 'The host'
    const why = deadline.aborted ? 'did not answer in time' : 'could not be reached'
    throw new Unreachable(`${host} ${why}`, { cause })
  }
}

async function get(
  url: URL,
  { most, allowPrivate, headers = {} }: FetchOptions,
  signal: AbortSignal,
): Promise<{ response: IncomingMessage; bytes: Buffer }> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Unreachable(`${url.protocol} is not the web`)
  const addresses = await resolveHost(url.hostname, { allowPrivate })
  const lookup: LookupFunction = (_name, { all }, callback) => {
    const answers = addresses.map(address => ({ address, family: isIP(address) }))
    if (all) callback(null, answers)
    else callback(null, answers[0]!.address, answers[0]!.family)
  }
  const ask = url.protocol === 'https:' ? overHttps : overHttp
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = ask(
      url,
      {
        lookup,
        signal,
        agent: false,
        headers: { 'user-agent': 'konnectory', 'accept-encoding': 'identity', ...headers },
      },
      resolve,
    )
    request.once('error', reject)
    request.end()
  })
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length
    if (size > most) throw new Unreachable(`${url.host} answered with more than ${most} bytes`)
    parts.push(part)
  }
  if (!response.complete) throw new Unreachable(`${url.host} broke off`)
  return { response, bytes: Buffer.concat(parts) }
}
