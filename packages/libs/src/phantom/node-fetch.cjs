'use strict'

const { PassThrough, Readable } = require('node:stream')
const { withNodeMembers } = require('../cozy-client/node-response.ts')

/**
 * `require('node-fetch')` (version 2) and `isomorphic-fetch`, over the global fetch: responses have `.buffer()`, a Node
 * stream as `.body` and `headers.raw()`; a body may be a Node stream or a `form-data` form; `timeout` (milliseconds) is
 * honoured. Not there: `agent`, `follow` and `size`.
 */
async function fetch(input, { timeout, body, ...init } = {}) {
  if (init.agent) {
    throw new TypeError(
      'node-fetch: the `agent` option is not available here; use requestFactory, or depend on node-fetch',
    )
  }
  const options = { ...init, ...sendableBody(body, init) }
  if (timeout) options.signal = withTimeout(timeout, init.signal)
  return withOldMembers(await globalThis.fetch(input, options))
}

function sendableBody(body, { headers }) {
  if (typeof body?.pipe !== 'function') return body === undefined ? {} : { body }
  const own = typeof body.getHeaders === 'function' ? body.getHeaders() : {}
  // form-data is an old-style stream, which only knows how to be piped.
  const stream = body instanceof Readable ? body : body.pipe(new PassThrough())
  return {
    body: Readable.toWeb(stream),
    duplex: 'half',
    headers: { ...own, ...Object.fromEntries(new Headers(headers)) },
  }
}

function withTimeout(timeout, signal) {
  const clock = AbortSignal.timeout(timeout)
  return signal ? AbortSignal.any([signal, clock]) : clock
}

function withOldMembers(native) {
  const response = withNodeMembers(native)
  if (response.textConverted) return response
  Object.defineProperty(response, 'textConverted', { value: () => response.text() })
  response.headers.raw ??= () => rawHeaders(response.headers)
  return response
}

function rawHeaders(headers) {
  const raw = {}
  for (const [name, value] of headers) raw[name] = [...(raw[name] ?? []), value]
  return raw
}

class FetchError extends Error {
  constructor(message, type, systemError) {
    super(message)
    this.name = 'FetchError'
    this.type = type
    if (systemError) this.code = this.errno = systemError.code
  }
}

module.exports = fetch
Object.assign(fetch, {
  default: fetch,
  FetchError,
  isRedirect: status => [301, 302, 303, 307, 308].includes(status),
})
// Getters: the global classes load Node's whole fetch at first use.
for (const name of ['Headers', 'Request', 'Response']) {
  Object.defineProperty(fetch, name, { get: () => globalThis[name], enumerable: true })
}
