import compress from '@fastify/compress'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Answer } from './answer.ts'
import { hideContentType, restoreContentType } from './content-type.ts'
import { notFound } from './errors.ts'
import type { Listener } from './listener.ts'
import { renderError } from './render-error.ts'
import type { Route } from './route.ts'
import { COMPRESS_FROM, type ServeOptions, serveRoute } from './serve-route.ts'

export interface ServerOptions extends ServeOptions {
  routes: Route[]
  /** Whether clients reach us by https, through a proxy that says so. */
  secure: boolean
  listener: Listener
  /** Asked before anything else; throws to refuse. The administration's listener asks for its secret here. */
  guard?(headers: FastifyRequest['headers']): void
  /** Called with each finished request, for the metrics. */
  observe?(observed: { route: string; method: string; status: number; seconds: number }): void
}

/** A longer path segment is no id of ours; the router measures before it decodes, so three times the longest. */
const LONGEST_SEGMENT = 4096
/** A connection on which nothing moves for so long is closed, also in the middle of an upload. */
const SILENCE_MS = 120_000

/** The HTTP server of a list of routes, on a port that is already taken. It answers from now on. */
export async function createServer({
  routes,
  secure,
  observe,
  listener,
  guard,
  ...serve
}: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    // The one proxy in front of us: what it wrote last. Names further left are whatever the client cared to write.
    trustProxy: secure && ((_address, hop) => hop === 0),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: LONGEST_SEGMENT },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    serverFactory: handler => {
      listener.server.setTimeout(SILENCE_MS)
      listener.handle((request, response) => {
        hideContentType(request)
        handler(request, response)
      })
      return listener.server
    },
    frameworkErrors: (_error, request, reply) => void refuse(request, reply),
  })
  // Not for all answers: a file goes out as it is stored, with its length, tag and ranges.
  await app.register(compress, { global: false, threshold: COMPRESS_FROM, encodings: ['gzip'] })

  // Bodies are read by the routes: some are streams of a gigabyte, and a wrong content type is no reason to refuse JSON.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.addHook('onRequest', (request, reply, next) => {
    securityHeaders(reply, secure)
    if (!guard) crossOrigin(request, reply)
    next()
  })
  if (guard) {
    app.addHook('onRequest', async (request, reply) => {
      try {
        guard(request.headers)
      } catch (error) {
        return give(reply, renderError(error, 'plain', request.headers))
      }
    })
  }
  if (observe) {
    app.addHook('onResponse', (request, reply, next) => {
      const { url: route = 'unknown' } = request.routeOptions
      observe({ route, method: request.method, status: reply.statusCode, seconds: reply.elapsedTime / 1000 })
      next()
    })
  }
  app.options('*', (request, reply) => {
    const asked = request.headers['access-control-request-headers']
    reply
      .code(204)
      .header('access-control-allow-methods', 'GET,HEAD,PUT,PATCH,POST,DELETE')
      .header('access-control-max-age', '43200')
    if (asked) reply.header('access-control-allow-headers', asked)
    return reply.send()
  })
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) => {
        restoreContentType(request.raw)
        return serveRoute(route, serve, request, reply)
      },
    })
  }
  app.setNotFoundHandler((request, reply) => refuse(request, reply))
  app.setErrorHandler((error, request, reply) => {
    const { statusCode } = error as { statusCode?: number }
    const status = statusCode && statusCode >= 400 && statusCode < 500 ? statusCode : 500
    if (status === 500) serve.log.error('a request failed before its route', { method: request.method, error })
    reply.code(status).header('content-type', 'application/json')
    return reply.send(JSON.stringify({ error: status === 500 ? 'Internal server error' : (error as Error).message }))
  })
  await app.ready()
  return app
}

function refuse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return give(reply, renderError(notFound(), 'plain', request.headers))
}

function give(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? body : JSON.stringify(body))
}

function securityHeaders(reply: FastifyReply, secure: boolean): void {
  reply.header('x-content-type-options', 'nosniff')
  reply.header('referrer-policy', 'same-origin')
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  if (secure) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains')
}

/**
 * Any origin may call the API: what it may do stands in the token it must send, which no page gets by itself. Pages under `/auth`
 * are for their own origin. They are known by their route: `/%61uth/login` is one of them, too.
 */
function crossOrigin({ headers: { origin }, url, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  if (!origin || url.startsWith('/auth/') || routeOptions.url?.startsWith('/auth/')) return
  reply.header('access-control-allow-origin', origin)
  reply.header('access-control-allow-credentials', 'true')
  reply.header('vary', 'Origin')
}
