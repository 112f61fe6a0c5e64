import { newId } from '#ground/documents/identifiers'
import type { Ground } from '#ground/ground'
import { HttpError, invalidParameter, missing } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import { assertCovered, assertGivable } from './giving.ts'
import { freshMetadata } from './metadata.ts'
import { assertMayEnd, notForCreating, sourceOf } from './ownership.ts'
import { readRules } from './read-rules.ts'
import { isShare, type PermissionRecord } from './record.ts'
import { malformedScope } from './rules.ts'
import { RUN_LIFE_MS } from './runs.ts'
import type { KeySource } from './secrets.ts'
import { codeDigest, isShortCode, isTinyCode, newShortCode, signShareCode, withoutDot } from './share-codes.ts'
import { isExpired, parseExpiry } from './share-life.ts'
import {
  hashPassword,
  isPassword,
  LONGEST_PASSWORD,
  passwordCookie,
  passwordProof,
  readPassword,
} from './share-password.ts'
import { claimCode, createRecord, documentOfCode, findRecord, releaseCodes, removeRecord } from './store.ts'
import { changing } from './transactions.ts'

/** A tiny code is guessed in a million tries: it does not live longer. */
const TINY_LIFE_MS = 3_600_000
const MOST_CODES = 100
/** Wrong passwords of one share. */
const PASSWORD_TRIES = { name: 'share-password', limit: 20, windowMs: 600_000 }
/** Tries at tiny codes of an instance: a thousandth of them in an hour, with luck. */
const TINY_TRIES = { name: 'tiny-code', limit: 100, windowMs: 600_000 }

/** What an app asks for when it shares something by a link. */
export interface ShareRequest {
  /** Rules, as in a manifest. */
  permissions: unknown
  /** A name for each code. */
  names: string[]
  ttlMs?: number | undefined
  tiny: boolean
  sourceId?: string | undefined
  password?: unknown
  expiresAt?: unknown
  cozyMetadata?: Record<string, unknown> | undefined
}

/** A share that a code opens. */
export interface OpenShare {
  record: PermissionRecord
  /** Name of the code. */
  name: string
  /** Milliseconds since 1970; undefined: open until it is ended. */
  expiresAt: number | undefined
  /** The cookie a browser must show, when there is a password. */
  password: { cookie: string; proof: string } | undefined
}

export type Shares = ReturnType<typeof createShares>

/** Documents of what is shared by a link (`protocol/permissions.md` §6). */
export function createShares(
  { documents, database, clock }: Pick<Ground, 'documents' | 'database' | 'clock'>,
  instances: Pick<Instances, 'secrets' | 'rates'>,
) {
  const keys: KeySource = instances
  const find = (tenant: Tenant, id: string) => findRecord(documents.of(tenant), id)

  return {
    /**
     * Makes a share.
     * @throws HttpError 403 for who may not, for more than it has itself, for doctypes that are not given away; 400 for rules
     * that cannot be read; JsonApiError 422
     */
    async create(tenant: Tenant, actor: Actor, request: ShareRequest): Promise<PermissionRecord> {
      const own = sourceOf(actor)
      if (!own) throw notForCreating()
      const rules = readRules(request.permissions)
      if (rules.length === 0) throw malformedScope()
      for (const rule of rules) {
        assertCovered(actor, rule)
        assertGivable('share', rule)
      }
      if (request.names.length > MOST_CODES) throw invalidParameter('codes', `at most ${MOST_CODES} codes at a time`)
      const now = clock.now()
      const inTime = (milliseconds: number) => new Date(now.getTime() + milliseconds).toISOString()
      const expiresAt = earliest(
        request.ttlMs === undefined ? undefined : inTime(request.ttlMs),
        isGiven(request.expiresAt) ? parseExpiry(request.expiresAt) : undefined,
        // A konnector's token dies with its run: with a share that stays it would have given itself another.
        actor.kind === 'konnector' ? inTime(RUN_LIFE_MS) : undefined,
      )
      const passwordHash = isGiven(request.password) ? await hashPassword(readPassword(request.password)) : undefined
      const tiny = request.tiny && request.ttlMs !== undefined && request.ttlMs <= TINY_LIFE_MS
      const { oauth } = await keys.secrets(tenant)
      const id = newId(now.getTime())
      const record = {
        type: 'share' as const,
        // Only administrators speak for others.
        sourceId: actor.kind === 'cli' || actor.grant.maximal ? (request.sourceId ?? own) : own,
        rules,
        added: [],
        expiresAt,
        passwordHash,
        cozyMetadata: request.cozyMetadata ?? freshMetadata(tenant, now, actor.slug),
      }
      return changing(documents, tenant, undefined, async writer => {
        const codes = new Map<string, string>()
        const shortcodes = new Map<string, string>()
        for (const name of new Set(request.names)) {
          const code = signShareCode(tenant, name, now, oauth)
          await claimCode(writer, codeDigest(code), id)
          codes.set(name, code)
          shortcodes.set(name, await newShortCode(writer, id, tiny))
        }
        // Not by assignment: a name may be `__proto__`.
        const named = { codes: Object.fromEntries(codes), shortcodes: Object.fromEntries(shortcodes) }
        return createRecord(writer, { ...record, ...named }, id)
      })
    },

    /**
     * The share that a token or a short code opens, expired or not; undefined when no document has it (any more).
     * @param code a share token whose signature was checked, or what may be a short code
     */
    async byCode(tenant: Tenant, code: string): Promise<OpenShare | undefined> {
      const short = isShortCode(code)
      const wanted = short ? withoutDot(code) : code
      // A thousand guesses a second would find one in a quarter of an hour.
      const tiny = isTinyCode(wanted)
      if (tiny && (await instances.rates.hit(tenant.id, TINY_TRIES)).exceeded) return undefined
      const id = await documentOfCode(database.query, tenant, short ? wanted : codeDigest(wanted))
      const record = id === undefined ? undefined : await find(tenant, id)
      if (!record || !isShare(record)) return undefined
      const [name] = Object.entries(short ? record.shortcodes : record.codes).find(([, it]) => it === wanted) ?? []
      // A short code stands for the token of its name; without that it stands for nothing.
      if (name === undefined || !Object.hasOwn(record.codes, name)) return undefined
      if (tiny) await instances.rates.takeBack(tenant.id, TINY_TRIES)
      const { passwordHash } = record
      const password = passwordHash && {
        cookie: passwordCookie(record.id),
        proof: passwordProof((await keys.secrets(tenant)).oauth, record.id, passwordHash),
      }
      const expiresAt = record.expiresAt === undefined ? undefined : Date.parse(record.expiresAt)
      return { record, name, expiresAt, password: password || undefined }
    },

    /**
     * The cookie for who knows a share's password; undefined for who does not, and when there is no such share.
     * @throws HttpError 429 after too many tries
     */
    async unlock(tenant: Tenant, id: string, password: string): Promise<{ name: string; value: string } | undefined> {
      const record = await find(tenant, id)
      if (!record?.passwordHash || !isShare(record) || isExpired(record, clock.now())) return undefined
      const { exceeded, retryAfter } = await instances.rates.hit(tenant.id, PASSWORD_TRIES, id)
      if (exceeded) {
        throw new HttpError(429, 'Too many wrong passwords; try again later', { 'retry-after': String(retryAfter) })
      }
      if (password.length > LONGEST_PASSWORD || !(await isPassword(password, record.passwordHash))) return undefined
      await instances.rates.takeBack(tenant.id, PASSWORD_TRIES, id)
      const { oauth } = await keys.secrets(tenant)
      return { name: passwordCookie(id), value: passwordProof(oauth, id, record.passwordHash) }
    },

    /** Ends a share: its codes are void. @throws CouchError 404; HttpError 403 */
    remove(tenant: Tenant, actor: Actor, id: string): Promise<void> {
      return changing(documents, tenant, undefined, async writer => {
        const record = await findRecord(writer, id)
        if (!record) throw missing()
        assertMayEnd(actor, record)
        await releaseCodes(writer, id)
        await removeRecord(writer, record)
      })
    },
  }
}

/** Whether a member says something: an empty text takes away what is not there yet. */
const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

const earliest = (...times: (string | undefined)[]): string | undefined =>
  times.filter(time => time !== undefined).sort()[0]
