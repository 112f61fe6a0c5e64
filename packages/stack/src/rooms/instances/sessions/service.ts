import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Body, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { CouchError } from '#ground/http/errors'
import type { SessionInfo } from '#ground/http/route'
import type { Subdomains } from '../domain.ts'
import { INSTANCE_NEWS, type Instance } from '../instance.ts'
import type { Secrets } from '../secrets.ts'
import {
  clearCookie,
  cookieName,
  cookieValue,
  cookieValues,
  readCookieValue,
  type SessionKind,
  setCookie,
} from './cookie.ts'

export const SESSIONS = 'io.cozy.sessions'

const DAY_MS = 24 * 3600 * 1000
/** After the last use (`protocol/auth.md` §2). */
const VALID_FOR_MS = 30 * DAY_MS
/** Of one that a session code opened, after its beginning. */
const SHORT_FOR_MS = 300_000
/** `last_seen` is written at most so often: a request should not cost a write. */
const SEEN_EVERY_MS = 3_600_000

/** A session as the settings show it. */
export interface Session extends SessionInfo {
  id: string
  createdAt: string
  lastSeen: string
  longRun: boolean
  shortRun: boolean
}

interface Known extends Session {
  rev: string
  instanceId: string
}

export interface SessionsDeps {
  ground: Ground
  secrets: Secrets
  subdomains: Subdomains
}

/** Who is signed in, in which browser: documents `io.cozy.sessions`, named by a signed cookie. */
export function createSessions({ ground, secrets, subdomains }: SessionsDeps) {
  const { documents, clock, news } = ground
  /** By instance and id, so that a request with a cookie costs no query; the news take away what has ended. */
  const open = new LRUCache<string, Known>({ max: 10_000, ttl: 60_000 })
  const keyOf = (instanceId: string, id: string) => `${instanceId} ${id}`
  /** Of the last drop: what was read before it must not be kept after it. */
  let generation = 0
  const dropAll = () => {
    generation++
    open.clear()
  }
  const end = news.subscribe(
    ({ tenant, doctype, id, verb }) => {
      if (doctype === SESSIONS && id !== undefined && verb !== 'CREATED') {
        generation++
        open.delete(keyOf(tenant.id, id))
      }
      // Rare, and what is dropped is read again.
      if (doctype === INSTANCE_NEWS) dropAll()
    },
    { wants: (_tenantId, doctype) => doctype === SESSIONS, missed: dropAll },
  )

  const isOver = ({ createdAt, lastSeen, shortRun }: Session): boolean => {
    const now = clock.now().getTime()
    if (shortRun && now - Date.parse(createdAt) > SHORT_FOR_MS) return true
    return now - Date.parse(lastSeen) > VALID_FOR_MS
  }

  async function read(instance: Instance, id: string): Promise<Known | undefined> {
    const key = keyOf(instance.id, id)
    const known = open.get(key)
    if (known) return known
    const before = generation
    const document = await documents.of(instance).get(SESSIONS, id)
    if (!document || document.deleted) return undefined
    const session = asSession(instance.id, document)
    if (before === generation) open.set(key, session)
    return session
  }

  /** Writes that it was used, when that was not said for an hour. Another request may do the same at the same moment. */
  async function touch(instance: Instance, session: Known): Promise<Known> {
    const now = clock.now()
    if (now.getTime() - Date.parse(session.lastSeen) < SEEN_EVERY_MS) return session
    const seen = { ...session, lastSeen: now.toISOString() }
    open.set(keyOf(instance.id, session.id), seen)
    const [result] = await documents
      .of(instance)
      .write(SESSIONS, [{ id: session.id, rev: session.rev, body: asBody(seen) }])
    if (result?.ok) open.set(keyOf(instance.id, session.id), { ...seen, rev: result.document.rev })
    else open.delete(keyOf(instance.id, session.id))
    return seen
  }

  async function remove(instance: Instance, id: string): Promise<boolean> {
    const writer = documents.of(instance)
    for (;;) {
      const document = await writer.get(SESSIONS, id)
      open.delete(keyOf(instance.id, id))
      if (!document || document.deleted) return false
      try {
        await writer.remove(SESSIONS, id, document.rev)
        open.delete(keyOf(instance.id, id))
        return true
      } catch (error) {
        // Somebody wrote `last_seen` in between: look again.
        if (!(error instanceof CouchError && (error.status === 409 || error.status === 404))) throw error
      }
    }
  }

  const all = async (instance: Instance): Promise<Known[]> =>
    (await documents.of(instance).list(SESSIONS)).map(document => asSession(instance.id, document))

  return {
    /**
     * Opens a session, always a new one: the id of a session from before a login is never taken over.
     * @returns the session, and the `Set-Cookie` that hands it to the browser
     */
    async open(
      instance: Instance,
      { kind = 'default' }: { kind?: SessionKind } = {},
    ): Promise<{ session: Session; setCookie: string }> {
      const now = clock.now()
      const id = randomBytes(16).toString('hex')
      const session: Session = {
        id,
        createdAt: now.toISOString(),
        lastSeen: now.toISOString(),
        longRun: kind === 'long',
        shortRun: kind === 'short',
      }
      await documents.of(instance).create(SESSIONS, asBody(session), id)
      await removeExpired(instance)
      const { session: secret } = await secrets.of(instance)
      const value = cookieValue(instance, secret, id, now)
      return { session, setCookie: setCookie({ instance, subdomains, value, kind }) }
    },

    /**
     * The session of a request.
     * @param cookieHeader the whole `Cookie` header
     */
    async find(cookieHeader: string | undefined, instance: Instance): Promise<Session | undefined> {
      const values = cookieValues(cookieHeader, cookieName(instance, subdomains))
      if (values.length === 0) return undefined
      const { session: secret } = await secrets.of(instance)
      for (const value of values) {
        const id = readCookieValue(instance, secret, value)
        const session = id === undefined ? undefined : await read(instance, id)
        if (session && !isOver(session)) return asShown(await touch(instance, session))
      }
      return undefined
    },

    /** Ends one. @returns whether there was one */
    close: remove,

    /** Ends all others. */
    async closeOthers(instance: Instance, keep: string): Promise<void> {
      for (const { id } of await all(instance)) if (id !== keep) await remove(instance, id)
    },

    async closeAll(instance: Instance): Promise<void> {
      for (const { id } of await all(instance)) await remove(instance, id)
    },

    /** Those that are valid, in no order that means anything. */
    async list(instance: Instance): Promise<Session[]> {
      return (await all(instance)).filter(session => !isOver(session)).map(asShown)
    },

    /** The `Set-Cookie` that takes the cookie away. */
    clearCookie: (instance: Instance): string => clearCookie(instance, subdomains),
    end,
  }

  /** Who signs in tidies up: at most as many sessions are left as were opened in a month. */
  async function removeExpired(instance: Instance): Promise<void> {
    for (const session of await all(instance)) if (isOver(session)) await remove(instance, session.id)
  }
}

export type Sessions = ReturnType<typeof createSessions>

const asBody = ({ createdAt, lastSeen, longRun, shortRun }: Session): Body => ({
  created_at: createdAt,
  last_seen: lastSeen,
  long_run: longRun,
  short_run: shortRun,
})

function asSession(instanceId: string, { id, rev, body }: StoredDocument): Known {
  const { created_at: created, last_seen: seen, long_run: long, short_run: short } = body
  const createdAt = String(created)
  return {
    id,
    rev,
    instanceId,
    createdAt,
    lastSeen: typeof seen === 'string' ? seen : createdAt,
    longRun: long === true,
    shortRun: short === true,
  }
}

const asShown = ({ id, createdAt, lastSeen, longRun, shortRun }: Known): Session => ({
  id,
  createdAt,
  lastSeen,
  longRun,
  shortRun,
})
