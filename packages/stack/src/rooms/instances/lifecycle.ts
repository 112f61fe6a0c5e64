import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { GroundTables } from '#ground/database/index'
import type { DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { alreadyThere, invalidAttribute } from '#ground/http/errors'
import type { Directory } from './directory.ts'
import { DomainError, normaliseDomain, type Subdomains, splitHost } from './domain.ts'
import {
  type BlockingReason,
  INSTANCE_NEWS,
  INSTANCE_SETTINGS_ID,
  type Instance,
  type InstanceChange,
  SETTINGS,
} from './instance.ts'
import { newSecrets, type Secrets } from './secrets.ts'
import { type InstancePatch, type InstanceStore, isDomainTaken } from './store.ts'
import type { Sweep } from './sweep-store.ts'

/** What an instance is made with. */
export interface NewInstance {
  domain: string
  /** Default `en`. */
  locale?: string | undefined
  /** IANA name; default `Europe/Paris` for French, else `UTC`. */
  tz?: string | undefined
  /** Default `default`. */
  context?: string | undefined
  email?: string | undefined
  publicName?: string | undefined
  /** Bytes; absent: unlimited. */
  quotaBytes?: number | undefined
  flags?: Record<string, unknown> | undefined
  /** More members of the settings document, as the person may write them. */
  settings?: Record<string, unknown> | undefined
}

/** What can be changed; `null` takes away where that means something. */
export interface InstanceChanges {
  locale?: string | undefined
  tz?: string | undefined
  context?: string | undefined
  email?: string | undefined
  publicName?: string | undefined
  autoUpdate?: boolean | undefined
  onboardingFinished?: boolean | undefined
  quotaBytes?: number | null | undefined
  blocked?: BlockingReason | null | undefined
  /** Replaces those there. */
  flags?: Record<string, unknown> | undefined
  /** Moves the instance: requests to the domain it had are sent on. */
  domain?: string | undefined
}

/** In the transaction that makes the instance: what it throws undoes everything. */
export type CreateHook = (instance: Instance, writer: DocumentTransaction) => Promise<void>
/** Before the instance's rows go; may be called again for the same instance after a crash. */
export type DestroyHook = (instance: Instance) => Promise<void>

export interface LifecycleDeps {
  ground: Ground
  store: InstanceStore
  sweep: Sweep
  directory: Directory
  secrets: Secrets
  subdomains: Subdomains
}

/** Making, changing, moving and destroying instances. */
export function createLifecycle({ ground, store, sweep, directory, secrets, subdomains }: LifecycleDeps) {
  const { clock, documents, news, blobs, log } = ground
  const createHooks: CreateHook[] = []
  const destroyHooks: DestroyHook[] = []

  const tell = (instance: Instance, change: InstanceChange): void => {
    directory.drop(instance.id)
    secrets.forget(instance.id)
    news.publish([{ tenant: instance, verb: 'NOTIFIED', doctype: INSTANCE_NEWS, id: instance.id, doc: { change } }])
  }

  /** Two domains of which one looks like an app of the other: one of them could not be reached, and would see its cookies. */
  async function refuseShadows(domain: string, query: Transaction<GroundTables>, self?: string): Promise<void> {
    const parent = splitHost(domain, subdomains)?.parent
    const above = parent === undefined ? [] : await store.findByDomains([parent], query)
    const below = await store.domainsBelow(domain, subdomains === 'flat', query)
    const other =
      above.find(row => row.domain === parent && row.instance_id !== self)?.domain ??
      below.find(name => splitHost(name, subdomains)?.parent === domain)
    if (other) throw alreadyThere(`${domain} cannot stand beside ${other}: one would be taken for an app of the other`)
    const same = await store.findByDomains([domain], query)
    if (same.some(row => row.instance_id !== self)) throw taken(domain)
  }

  /** @param register makes a token with which the person may choose the first passphrase; its hash goes into the row */
  async function create(wanted: NewInstance): Promise<{ instance: Instance; registerToken: string }> {
    const domain = domainFrom(wanted.domain, subdomains)
    const { locale = 'en', context = 'default', email = '', publicName = '', flags = {} } = wanted
    const tz = wanted.tz ?? (/^fr\b/.test(locale) ? 'Europe/Paris' : 'UTC')
    assertLocale(locale)
    assertTimeZone(tz)
    assertQuota(wanted.quotaBytes)
    const now = clock.now()
    const id = randomUUID()
    const registerToken = randomBytes(16).toString('hex')
    const row = {
      instance_id: id,
      domain,
      old_domain: null,
      uuid: randomUUID(),
      locale,
      tz,
      context,
      email,
      public_name: publicName,
      auto_update: true,
      auth_mode: 'basic',
      onboarding_finished: false,
      quota_bytes: wanted.quotaBytes === undefined ? null : String(wanted.quotaBytes),
      blocked: null,
      destroying: false,
      flags: JSON.stringify(flags),
      register_token_hash: tokenHash(registerToken),
      secrets: await secrets.seal(id, newSecrets()),
      created_at: now,
      updated_at: now,
    }
    const instance = directory.asInstance({ ...row, flags, passphrase_defined: false })
    const settings = {
      ...wanted.settings,
      ...(email && { email }),
      ...(publicName && { public_name: publicName }),
      tz,
    }
    try {
      await documents.transaction(instance, async writer => {
        await refuseShadows(domain, writer.query)
        await store.insert(row, writer.query)
        await writer.create(SETTINGS, settings, INSTANCE_SETTINGS_ID)
        for (const hook of createHooks) await hook(instance, writer)
      })
    } catch (error) {
      if (isDomainTaken(error)) throw taken(domain)
      throw error
    }
    tell(instance, 'created')
    log.info('an instance was made', { domain })
    return { instance, registerToken }
  }

  /** @returns the instance as it is now */
  async function update(instance: Instance, changes: InstanceChanges): Promise<Instance> {
    const { domain: newDomain, locale, tz, context, email, publicName, autoUpdate, onboardingFinished } = changes
    if (locale !== undefined) assertLocale(locale)
    if (tz !== undefined) assertTimeZone(tz)
    assertQuota(changes.quotaBytes)
    const domain = newDomain === undefined ? undefined : domainFrom(newDomain, subdomains)
    const moves = domain !== undefined && domain !== instance.domain
    const { flags, blocked, quotaBytes } = changes
    const patch: InstancePatch = withoutUndefined({
      locale,
      tz,
      context,
      email,
      public_name: publicName,
      auto_update: autoUpdate,
      onboarding_finished: onboardingFinished,
      quota_bytes: quotaBytes === undefined || quotaBytes === null ? quotaBytes : String(quotaBytes),
      blocked,
      flags: flags && JSON.stringify(flags),
      ...(moves && { domain, old_domain: instance.domain }),
      updated_at: clock.now(),
    })
    const inSettings = withoutUndefined({ email, public_name: publicName, tz })
    let updated = instance
    try {
      updated = await documents.transaction(instance, async writer => {
        if (moves) await refuseShadows(domain, writer.query, instance.id)
        await store.update(instance.id, patch, writer.query)
        await mergeSettings(writer, inSettings)
        const row = await store.findById(instance.id, writer.query)
        if (!row) throw invalidAttribute('domain', `${instance.domain} is gone`)
        return directory.asInstance(row)
      })
    } catch (error) {
      if (isDomainTaken(error)) throw taken(domain ?? '')
      throw error
    }
    tell(updated, 'updated')
    return updated
  }

  /** Another key for sessions and for the tokens of apps and konnectors: all there are become void. */
  async function renewSessionSecret(instance: Instance): Promise<void> {
    const current = await secrets.of(instance)
    const sealed = await secrets.seal(instance.id, { ...current, session: newSecrets().session })
    await store.update(instance.id, { secrets: sealed, updated_at: clock.now() })
    tell(instance, 'secrets')
  }

  /**
   * Takes everything of an instance away, in pieces, so that a big one holds no lock for long. It is found no more from the
   * first moment on. Begun and not ended (a crash), it is gone on with by `finishDestroying`.
   */
  async function destroy(instance: Instance): Promise<void> {
    await store.update(instance.id, { destroying: true, updated_at: clock.now() })
    tell(instance, 'destroyed')
    for (const hook of destroyHooks) await hook(instance)
    await documents.dropTenant(instance)
    await sweep.rowsOf(instance.id)
    await blobs.dropTenant(instance.id)
    await store.delete(instance.id)
    // What was cached in between, by a request that was under way.
    tell(instance, 'destroyed')
    log.info('an instance was destroyed', { domain: instance.domain })
  }

  /** A change of the settings document, by whatever way, holds for the instance too. */
  documents.onChange(
    async (changes, writer) => {
      for (const { document } of changes) {
        if (document.id !== INSTANCE_SETTINGS_ID || document.deleted) continue
        const { public_name: name, tz } = document.body
        const patch = withoutUndefined({
          public_name: typeof name === 'string' ? name : undefined,
          tz: typeof tz === 'string' && isTimeZone(tz) ? tz : undefined,
        })
        if (Object.keys(patch).length > 0) await store.update(writer.tenant.id, patch, writer.query)
      }
    },
    (_tenant, doctype) => doctype === SETTINGS,
  )

  return {
    create,
    update,
    destroy,
    renewSessionSecret,
    tell,
    refuseShadows,
    /** Destroys what a crash left half destroyed. Called at the start. */
    async finishDestroying(): Promise<void> {
      for (const row of await store.destroying()) await destroy(directory.asInstance(row))
    },
    onCreated: (hook: CreateHook) => void createHooks.push(hook),
    onDestroy: (hook: DestroyHook) => void destroyHooks.push(hook),
  }
}

async function mergeSettings(writer: DocumentTransaction, members: Record<string, unknown>): Promise<void> {
  if (Object.keys(members).length === 0) return
  const stored = await writer.get(SETTINGS, INSTANCE_SETTINGS_ID)
  if (!stored || stored.deleted) return void (await writer.create(SETTINGS, members, INSTANCE_SETTINGS_ID))
  if (Object.entries(members).every(([name, value]) => stored.body[name] === value)) return
  await writer.update(SETTINGS, INSTANCE_SETTINGS_ID, stored.rev, { ...stored.body, ...members })
}

export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest()

const taken = (domain: string) => alreadyThere(`There is an instance at ${domain} already`)

/** @throws 422 */
export function domainFrom(given: string, subdomains: Subdomains): string {
  try {
    return normaliseDomain(given, subdomains)
  } catch (error) {
    if (error instanceof DomainError) throw invalidAttribute('domain', error.message)
    throw error
  }
}

function assertLocale(locale: string): void {
  if (!/^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/.test(locale))
    throw invalidAttribute('locale', `${locale} is not a language, as fr or en`)
}

function isTimeZone(tz: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz })
    return true
  } catch {
    return false // RangeError is how Intl says so.
  }
}

function assertTimeZone(tz: string): void {
  if (!isTimeZone(tz)) throw invalidAttribute('tz', `${tz} is not a time zone, as Europe/Paris`)
}

function assertQuota(bytes: number | null | undefined): void {
  if (bytes === undefined || bytes === null) return
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw invalidAttribute('quota', 'A quota is a whole number of bytes')
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never
}

export type Lifecycle = ReturnType<typeof createLifecycle>
