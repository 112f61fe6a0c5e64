import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Tenant } from '../tenant.ts'
import { createAllow, noToken } from './allow.ts'
import type { Answer } from './answer.ts'
import { badRequest, forbidden } from './errors.ts'
import type { Actor } from './grant.ts'
import { BODY_LIMIT, decodeText, parseJson, readBytes } from './read-body.ts'
import { isExpected, renderError } from './render-error.ts'
import type { Route, RouteRequest, SessionInfo } from './route.ts'
import { validate } from './validate.ts'

/** What the server asks of the rooms. */
export interface Gatekeeper {
  /** The instance a host name stands for. Throws what the caller is told otherwise: not found, moved. */
  tenantOf(host: string | undefined, url: string): Promise<{ tenant: Tenant; blocked: HttpErrorLike | undefined }>
  /** The token of a request, wherever it stands. */
  tokenOf(request: { headers: FastifyRequest['headers']; query: Record<string, unknown> }): string | undefined
  authenticate(tenant: Tenant, token: string, cookie: string | undefined): Promise<Actor>
  /** Actor of an onboarding's `registerToken`, without any other token. */
  registering(tenant: Tenant, query: Record<string, unknown>): Promise<Actor | undefined>
  sessionOf(tenant: Tenant, cookie: string | undefined): Promise<SessionInfo | undefined>
}

/** What a blocked instance answers (`protocol/conventions.md` §2). */
export type HttpErrorLike = Error

export interface ServeOptions {
  gate: Gatekeeper
  log: Log
  clock: Clock
}

/** Does one request: who, what, may they, the handler; an error becomes an answer exactly once. */
export async function serveRoute(
  route: Route,
  { gate, log }: ServeOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    return send(reply, await answerOf(route, gate, log, request))
  } catch (error) {
    if (isHangUp(request, error)) log.debug('a client went away', { method: request.method, route: route.path })
    else if (!isExpected(error)) log.error('a request failed', { method: request.method, route: route.path, error })
    return send(reply, renderError(error, route.family, request.headers))
  }
}

/** Whether the client broke its own request off: nobody reads the answer, and nothing of ours failed. */
function isHangUp({ raw }: FastifyRequest, error: unknown): boolean {
  if (raw.complete && !raw.socket.destroyed) return false
  const { name, code } = error as NodeJS.ErrnoException
  return name === 'AbortError' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE'
}

async function answerOf(route: Route, gate: Gatekeeper, log: Log, request: FastifyRequest): Promise<Answer> {
  const { headers } = request
  const { tenant, blocked } = route.anyHost ? ANYBODY : await gate.tenantOf(headers.host, request.url)
  const { permission } = route
  const query = request.query as Record<string, unknown>

  let known: Promise<Actor | undefined> | undefined
  const actorIfAny = () => {
    known ??= identify(gate, tenant, headers, query)
    return known
  }
  const open = 'public' in permission || 'session' in permission
  let actor = open ? undefined : await actorIfAny()
  if (blocked && !route.evenWhenBlocked && (await actorIfAny().catch(() => undefined))?.kind !== 'cli') throw blocked
  if (!open && !actor) throw noToken()
  let session: Promise<SessionInfo | undefined> | undefined
  const sessionOf = () => {
    session ??= gate.sessionOf(tenant, headers.cookie)
    return session
  }
  if ('session' in permission && !(await sessionOf())) throw forbidden('You are not signed in')

  const params = shaped(route.params, request.params, 'path')
  const wanted = shaped(route.query, query, 'query')
  const body = await bodyOf(route, request)
  const tracked = createAllow(() => {
    if (!actor) throw noToken()
    return actor
  })
  if ('whole' in permission) {
    const { of, whole } = permission
    tracked.allow.whole(whole, typeof of === 'string' ? of : of(params))
  }
  let signal: AbortSignal | undefined
  const asked: RouteRequest<unknown, unknown, unknown> = {
    tenant,
    params,
    query: wanted,
    body,
    method: request.method,
    url: request.url,
    headers,
    stream: route.body && 'stream' in route.body ? streamOf(request) : NOTHING,
    // Made for who asks: most requests are over before anybody could go away.
    get signal() {
      signal ??= goneSignal(request)
      return signal
    },
    log,
    // Of a client that has gone already nobody knows where it was.
    address: request.ip ?? '',
    get actor() {
      if (!actor) throw noToken()
      return actor
    },
    async actorIfAny() {
      actor ??= await actorIfAny()
      return actor
    },
    session: sessionOf,
    allow: tracked.allow,
  }
  const answer = await route.handle(asked)
  if ('inside' in permission && !tracked.asked() && answer.status < 400) {
    discard(answer)
    throw new Error(`${route.method} ${route.path} answered without asking for a permission`)
  }
  return answer
}

/** Answers smaller than this are not worth compressing. */
export const COMPRESS_FROM = 1024

const ANYBODY = { tenant: { id: '', domain: '', url: '', locale: 'en' }, blocked: undefined }
const NOTHING = Readable.from([])

/** Aborted when the client goes away before its answer. */
function goneSignal({ raw }: FastifyRequest): AbortSignal {
  const controller = new AbortController()
  const gone = () => !raw.complete || raw.socket.destroyed
  if (raw.destroyed && gone()) controller.abort()
  else
    raw.once('close', () => {
      if (gone()) controller.abort()
    })
  return controller.signal
}

/** A body that came by `request.body` when Fastify found one; an empty stream otherwise. */
function streamOf(request: FastifyRequest): Readable {
  return request.body instanceof Readable ? request.body : Readable.from([])
}

async function identify(
  gate: Gatekeeper,
  tenant: Tenant,
  headers: FastifyRequest['headers'],
  query: Record<string, unknown>,
): Promise<Actor | undefined> {
  const token = gate.tokenOf({ headers, query })
  if (token !== undefined) return gate.authenticate(tenant, token, headers.cookie)
  return gate.registering(tenant, query)
}

function shaped(schema: Route['params'], value: unknown, part: 'path' | 'query'): unknown {
  return schema ? validate(schema, value, part) : value
}

async function bodyOf({ body: kind, bodyLimit = BODY_LIMIT }: Route, request: FastifyRequest): Promise<unknown> {
  if (!kind || 'stream' in kind) return undefined
  const { headers } = request
  const bytes =
    request.body instanceof Readable
      ? await readBytes(request.body, bodyLimit, headers['content-length'])
      : Buffer.alloc(0)
  if ('form' in kind) {
    const isJson = /^application\/json/i.test(headers['content-type'] ?? '')
    const value = isJson ? parseJson(bytes) : Object.fromEntries(new URLSearchParams(decodeText(bytes)))
    return validate(kind.form, value ?? {}, 'body')
  }
  const value = parseJson(bytes)
  if (value === undefined && !kind.optional) throw badRequest('JSON input is malformed or is missing mandatory fields')
  if (value === undefined) return undefined
  return validate(kind.json, value, 'body')
}

function discard({ body }: Answer): void {
  if (body instanceof Readable) body.destroy()
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  reply.code(status)
  for (const name in headers) reply.header(name, headers[name])
  if (body === undefined || Buffer.isBuffer(body)) return reply.send(body)
  if (body instanceof Readable && !isJson(headers)) return reply.send(body)
  const text = typeof body === 'string' || body instanceof Readable ? body : JSON.stringify(body)
  if (typeof text === 'string' && text.length < COMPRESS_FROM) return reply.send(text)
  reply.compress(text)
  return reply
}

/** Only what is made for the answer is compressed on the way; content of files goes out as it lies there. */
function isJson(headers: Answer['headers']): boolean {
  return !('accept-ranges' in headers) && /\bjson\b|\+json\b/.test(String(headers['content-type'] ?? ''))
}
