import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Log } from '../log.ts'
import type { Tenant } from '../tenant.ts'
import type { Answer } from './answer.ts'
import type { Actor, Verb } from './grant.ts'

/**
 * How errors and bare answers look (`protocol/conventions.md` §1): `data` Couch-like, `json-api`, `oauth` flat JSON,
 * `page` HTML for people, `plain` JSON of the server itself.
 */
export type Family = 'data' | 'json-api' | 'oauth' | 'page' | 'plain'

/** Who may call a route. A route that does not say it does not compile. */
export type Permission<P> =
  /** Nobody needs a token; says why that is right. */
  | { public: string }
  /** A valid token, whatever it may do; says why that is enough. */
  | { token: string }
  /** A rule on the whole doctype; checked before the handler is called. */
  | { whole: Verb; of: string | ((params: P) => string) }
  /** The handler asks `allow` about what it finds; says what. A handler that answers without having asked is an error. */
  | { inside: string }
  /** A browser that is signed in, by its cookie; checked before. Says what for. */
  | { session: string }

export type BodyKind<B> =
  /** JSON whatever the content type. Broken JSON: 400. */
  | { json: z.ZodType<B>; optional?: boolean }
  /** `application/x-www-form-urlencoded`, also JSON when it says so. */
  | { form: z.ZodType<B> }
  /** Bytes as they come, of any length, in `request.stream`. */
  | { stream: true }

export interface RouteRequest<P, Q, B> {
  tenant: Tenant
  params: P
  query: Q
  body: B
  method: string
  /** Path and query as sent. */
  url: string
  headers: IncomingHttpHeaders
  /** Only with `body: {stream: true}`. */
  stream: Readable
  /** Aborted when the client goes away. */
  signal: AbortSignal
  log: Log
  /** Where the request comes from; for throttling, never for permission. */
  address: string
  /**
   * Who asks. Throws 401 when there is no token: only absent on routes that are `public` or `session`; there
   * `actorIfAny()` tells.
   */
  readonly actor: Actor
  actorIfAny(): Promise<Actor | undefined>
  /** The signed-in browser's session, from its cookie. */
  session(): Promise<SessionInfo | undefined>
  /** The grant of `actor`, throwing 403 where it says no. */
  readonly allow: Allow
}

/** Asks the actor's grant and throws the 403 when it says no. `maybe` only tells. Any call counts as having asked. */
export interface Allow {
  whole(verb: Verb, doctype: string): void
  id(verb: Verb, doctype: string, id: string): void
  document(verb: Verb, doctype: string, id: string | undefined, document: Record<string, unknown>): void
  onFields(verb: Verb, doctype: string, object: Record<string, unknown>, fields: string[]): void
  /** For rules of a room's own (files, ownership): says yes or no itself. */
  check(allowed: boolean): void
  maybe(): Actor['grant']
}

export interface SessionInfo {
  id: string
  createdAt: string
}

/** One operation of the API: all about it in one object. */
export interface Route<P = unknown, Q = unknown, B = unknown> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/data/:doctype/:docid`; a parameter is one segment, decoded after routing, so `%2F` does not split it. */
  path: string
  /** One line for the API's document. */
  summary: string
  family: Family
  permission: Permission<P>
  /** Shapes; without `params` and `query` they come as texts. Unknown query parameters are let through unless strict. */
  params?: z.ZodType<P>
  query?: z.ZodType<Q>
  body?: BodyKind<B>
  /** Bytes of JSON accepted, default 16 MiB. */
  bodyLimit?: number
  /** Answers though the instance is blocked (`protocol/conventions.md` §2). */
  evenWhenBlocked?: boolean
  /** Answers on any host name, without an instance: what is about the server. Then it is `public`, and uses no `tenant`. */
  anyHost?: boolean
  handle(request: RouteRequest<P, Q, B>): Promise<Answer> | Answer
}

/** Makes a route; only there so that its parts type each other. */
export function route<P = Record<string, string>, Q = Record<string, string>, B = undefined>(
  definition: Route<P, Q, B>,
): Route {
  return definition as unknown as Route
}
