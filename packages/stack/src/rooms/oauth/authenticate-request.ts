import type { IncomingHttpHeaders } from 'node:http'

/**
 * The token of a request, in the order of `protocol/conventions.md` §3: `Authorization: Bearer`, the password of
 * `Authorization: Basic`, the query's `bearer_token`.
 * @returns undefined when there is none
 */
export function tokenOf(request: { headers: IncomingHttpHeaders; query: Record<string, unknown> }): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S.*)$/.exec(request.headers.authorization?.trim() ?? '') ?? []
  const kind = scheme.toLowerCase()
  const inHeader = kind === 'bearer' ? credentials.trim() : kind === 'basic' ? passwordOf(credentials) : ''
  if (inHeader) return inHeader
  const { bearer_token } = request.query
  // Said twice, it is a list: neither is meant for sure.
  return typeof bearer_token === 'string' && bearer_token !== '' ? bearer_token : undefined
}

/** The user's name is ignored; it has no colon. */
function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? '' : text.slice(colon + 1)
}
