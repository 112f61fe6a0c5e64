import type { IncomingMessage } from 'node:http'

const hidden = new WeakMap<IncomingMessage, string>()

/**
 * Takes the content type of a request out of Fastify's sight, which would answer 415 to one that is malformed. Whether it is
 * wrong is for the route to say: of a file it is an invalid parameter, for JSON it does not matter.
 */
export function hideContentType(request: IncomingMessage): void {
  const type = request.headers['content-type']
  if (type === undefined) return
  hidden.set(request, type)
  delete request.headers['content-type']
}

/** Gives it back, before the route sees the request. */
export function restoreContentType(request: IncomingMessage): void {
  const type = hidden.get(request)
  if (type !== undefined) request.headers['content-type'] = type
}
