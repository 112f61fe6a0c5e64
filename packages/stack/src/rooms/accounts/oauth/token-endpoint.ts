import type { AccountType } from '../types/account-type.ts'

/** `protocol/accounts-oauth.md` §4. */
const TIMEOUT_MS = 15_000
/** An answer holds a few tokens; more than this is no token answer, and is not read to its end. */
const MOST_BYTES = 256 * 1024

/** What the vendor's token endpoint said no with. */
export class TokenEndpointError extends Error {
  override name = 'TokenEndpointError'
  /** OAuth's code where the vendor sent one, `invalid_grant` say; else one of ours. */
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

export interface TokenRequestOptions {
  /** Milliseconds; default 15 s. */
  timeout?: number | undefined
}

/**
 * Asks a token endpoint. It is the operator's word where that is, so it may be inside the private network; but it is asked
 * there and nowhere else: no redirect is followed.
 * @returns the members of the answer
 * @throws TokenEndpointError for anything but a 200 with a JSON object without `error`
 */
export async function askTokenEndpoint(
  type: AccountType & { token_endpoint: string },
  parameters: Record<string, string | undefined>,
  { timeout = TIMEOUT_MS }: TokenRequestOptions = {},
): Promise<Record<string, unknown>> {
  const { url, init } = requestOf(type, parameters)
  const { status, text } = await send(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeout) })
  const body = parseObject(text)
  if (body?.error !== undefined) {
    const code = typeof body.error === 'string' ? body.error : 'token_request_refused'
    throw new TokenEndpointError(code, `The vendor refused (${status})`)
  }
  if (status !== 200 || !body) throw new TokenEndpointError('token_request_failed', `The vendor answered ${status}`)
  return body
}

function requestOf(
  {
    token_endpoint,
    token_mode: mode = 'form',
    client_id = '',
    client_secret = '',
  }: AccountType & { token_endpoint: string },
  parameters: Record<string, string | undefined>,
): { url: string; init: RequestInit } {
  const values = new URLSearchParams()
  const inBody = mode === 'basic' ? {} : { client_id, client_secret }
  for (const [name, value] of Object.entries({ ...parameters, ...inBody })) if (value) values.set(name, value)
  const headers: Record<string, string> = { accept: 'application/json' }
  if (mode === 'get') {
    const url = new URL(token_endpoint)
    for (const [name, value] of values) url.searchParams.set(name, value)
    return { url: url.href, init: { method: 'GET', headers } }
  }
  if (mode === 'basic') {
    // Both are form-encoded before they are joined (RFC 6749 §2.3.1).
    const pair = [client_id, client_secret].map(formEncode).join(':')
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`
  }
  return { url: token_endpoint, init: { method: 'POST', headers, body: values } }
}

const formEncode = (text: string) => new URLSearchParams({ v: text }).toString().slice(2)

async function send(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init)
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of response.body ?? []) {
      size += part.length
      if (size > MOST_BYTES)
        throw new TokenEndpointError('token_request_failed', 'The answer of the vendor is too long')
      parts.push(part)
    }
    return { status: response.status, text: Buffer.concat(parts).toString() }
  } catch (cause) {
    if (cause instanceof TokenEndpointError) throw cause
    const late = (cause as Error).name === 'TimeoutError'
    throw new TokenEndpointError(
      'token_request_failed',
      late ? 'The vendor did not answer in time' : 'The vendor could not be reached',
      cause,
    )
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined // Not JSON: told by the status.
  }
}
