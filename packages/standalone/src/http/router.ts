import { ApiError, badRequest, type HttpError, toHttpError } from './errors.ts'
import { jsonAnswer, type StackRequest, type StackResponse } from './exchange.ts'

export type Parameters = Record<string, string>
export type Handler = (request: StackRequest, parameters: Parameters) => StackResponse | Promise<StackResponse>
/** `['GET', '/files/:id', handler]`; the first that fits answers, so literal paths come before parameters. */
export type Route = [method: string, pattern: string, handler: Handler]

export type Dispatch = (request: StackRequest) => Promise<StackResponse>

/**
 * Paths are matched escaped and decoded after: `%2F` inside a segment does not split it (`protocol/conventions.md` section 7).
 * A final slash does not count. HEAD is answered as GET, without a body.
 */
export function createRouter(routes: Route[]): Dispatch {
  const table = routes.map(([method, pattern, handler]) => ({ method, parts: split(pattern), handler }))
  return async request => {
    const isHead = request.method === 'HEAD'
    try {
      const segments = split(request.path)
      const method = isHead ? 'GET' : request.method
      for (const route of table) {
        if (route.method !== method || route.parts.length !== segments.length) continue
        if (!route.parts.every((part, at) => part.startsWith(':') || part === segments[at])) continue
        const response = await route.handler(request, parameters(route.parts, segments))
        if (!isHead) return response
        return { status: response.status, headers: response.headers }
      }
      throw new ApiError(404, 'Not Found', `${request.method} ${request.path} is not available in standalone mode`)
    } catch (error) {
      if (request.signal?.aborted) throw error
      const response = errorAnswer(toHttpError(error), request)
      return isHead ? { status: response.status, headers: {} } : response
    }
  }
}

/** Under `/data` errors are flat, except those that are JSON:API by nature; elsewhere they are JSON:API. */
function errorAnswer(error: HttpError, request: StackRequest): StackResponse {
  const isData = request.path.startsWith('/data/')
  const shown =
    !isData && 'reason' in error
      ? new ApiError(error.status, error.message.split(':')[0]!, String(error.reason))
      : error
  const response = jsonAnswer(shown.status, shown.body(), shown.contentType)
  return { ...response, headers: { ...response.headers, ...shown.headers } }
}

function split(path: string): string[] {
  const parts = path.split('/').slice(1)
  if (parts.at(-1) === '') parts.pop()
  return parts
}

function parameters(pattern: string[], segments: string[]): Parameters {
  const found: Parameters = {}
  for (const [at, part] of pattern.entries()) {
    if (!part.startsWith(':')) continue
    try {
      found[part.slice(1)] = decodeURIComponent(segments[at]!)
    } catch {
      throw badRequest('the path is not properly percent-encoded')
    }
  }
  return found
}
