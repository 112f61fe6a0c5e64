import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Body, DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { alreadyThere, HttpError, notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { Permissions } from '#rooms/permissions'
import { needsAgreement } from './agreement.ts'
import type { Bundles } from './bundles/bundles.ts'
import { type InstallRequest, parametersOf, type UpdateRequest } from './install-request.ts'
import { assertSlug, bodyWith, idOf, KONNECTORS, type Konnector, konnectorOf, type StoredState } from './konnector.ts'
import { type CheckedManifest, checkManifest } from './manifest.ts'
import type { Hold, Operations } from './operations.ts'
import { type Progress, type Stage, startProgress } from './progress.ts'
import type { Sources } from './source/index.ts'
import { type Offer, SourceError, sentenceOf } from './source/offer.ts'
import { parseSource, type Source } from './source/parse.ts'
import type { Store } from './store.ts'

interface Upgrade {
  slug: string
  source: Source
  permissionsAcked: boolean
  parameters?: Record<string, unknown> | undefined
  /** Nobody pressed a button: a folder with the same files is not copied again. */
  unasked?: boolean
}

export interface InstallerDeps {
  permissions: Pick<Permissions, 'create' | 'replace' | 'remove'>
  sources: Sources
  bundles: Bundles
  store: Store
  operations: Operations
  /** What the operator says of the instance's context. */
  contextOf(tenant: Tenant): Promise<Record<string, unknown> | undefined>
}

/** A date that is none yet (`protocol/conventions.md` §7). */
const NEVER = '0001-01-01T00:00:00Z'
/** Unused code is not removed between two looks; a bundle that went after all is made once more. */
const TRIES = 3

/** Installing and updating (`protocol/konnectors-api.md` §2, §4). */
export function createInstaller(ground: Ground, deps: InstallerDeps) {
  const { clock, documents, log, news } = ground
  const { permissions, sources, bundles, store, operations, contextOf } = deps
  const ending = new AbortController()
  const running = new Set<Promise<unknown>>()

  const find = async (tenant: Tenant, slug: string): Promise<Konnector | undefined> => {
    const stored = await documents.of(tenant).get(KONNECTORS, idOf(slug))
    if (!stored || stored.deleted) return undefined
    return konnectorOf(stored, (await store.find(tenant.id, [slug])).get(slug))
  }

  /** A state that is only told (`realtime`), of a document that is not there or is older. */
  const publish = (tenant: Tenant, { body, rev }: Stage): void => {
    const id = idOf(String(body.slug))
    news.publish([
      { tenant, verb: 'UPDATED', doctype: KONNECTORS, id, doc: { ...body, _id: id, ...(rev && { _rev: rev }) } },
    ])
  }

  const track = (progress: Progress): Progress => {
    const watched: Promise<unknown> = progress.done.then(
      () => running.delete(watched),
      () => running.delete(watched),
    )
    running.add(watched)
    return progress
  }

  /** A change that fails after its beginning was told is told to have failed; what was there stays. */
  const guarded = async (tenant: Tenant, first: Stage, work: () => Promise<Stage>): Promise<Stage> => {
    try {
      return await work()
    } catch (error) {
      const body = { ...first.body, state: 'errored', error: sentenceOf(error) }
      publish(tenant, { ...first, state: 'errored', body })
      const expected = error instanceof SourceError || error instanceof HttpError
      log[expected ? 'info' : 'error']('a konnector could not be installed or updated', {
        slug: first.body.slug,
        error,
      })
      throw error
    }
  }

  /** Code of an offer, with what its manifest names. @returns the bundle's name. @throws SourceError */
  const take = async (offer: Offer, { clientSide, onDelete }: CheckedManifest): Promise<string> => {
    const bundle = await offer.bundle(ending.signal)
    const needed = [...(clientSide ? [] : ['index.js']), ...(onDelete === null ? [] : [onDelete])]
    for (const file of needed) {
      const path = join(bundles.folderOf(bundle), join('/', file))
      const found = await stat(path).catch(() => undefined) // Not there, whatever the reason.
      if (!found?.isFile()) throw new SourceError('refused', `There is no ${file} in the konnector: is it the build?`)
    }
    return bundle
  }

  /** Names a bundle in a transaction, at whose end it is there for sure. */
  const write = async (
    tenant: Tenant,
    hold: Hold,
    makeBundle: () => Promise<string>,
    work: (writer: DocumentTransaction, bundle: string) => Promise<void>,
  ): Promise<void> => {
    for (let tried = 1; ; tried++) {
      const bundle = await makeBundle()
      const isThere = await documents.transaction(tenant, async writer => {
        await store.keepBundles(writer.query)
        if (!(await bundles.has(bundle))) return false
        await hold.release(writer)
        await work(writer, bundle)
        return true
      })
      if (isThere) return void (await bundles.touch(bundle, clock.now()))
      if (tried >= TRIES) throw new Error('the bundle of a konnector was removed again and again')
    }
  }

  const stored = async (tenant: Tenant, slug: string): Promise<Stage> => {
    const konnector = await find(tenant, slug)
    if (!konnector) throw notThere('Application is not installed')
    return { state: konnector.state, body: konnector.body, rev: konnector.rev }
  }

  const install = async (tenant: Tenant, request: InstallRequest): Promise<Progress> => {
    const { slug, deactivated = false } = request
    assertSlug(slug)
    const source = parseSource(request.source)
    sources.assertAllowed(source)
    if (await find(tenant, slug)) throw isInstalled()
    const hold = await operations.hold(tenant, slug)
    const state: StoredState = deactivated ? 'installed' : 'ready'

    const work = async (tell: (stage: Stage) => void): Promise<Stage> => {
      await using _hold = hold
      await using offer = await sources.open(tenant, source, ending.signal)
      const manifest = checkManifest(offer.manifest)
      const members = {
        slug,
        source: source.text,
        version: offer.versionOf(manifest.version),
        checksum: offer.checksum,
        parameters: parametersOf(source, request.parameters) ?? manifest.raw.parameters,
      }
      const body = (now: string, current: string): Body =>
        bodyWith(manifest.raw, { ...members, state: current, created_at: now, updated_at: now })
      const first: Stage = { state: 'installing', body: body(NEVER, 'installing'), rev: undefined }
      publish(tenant, first)
      tell(first)
      return await guarded(tenant, first, async () => {
        await write(
          tenant,
          hold,
          () => take(offer, manifest),
          async (writer, bundle) => {
            const there = await writer.get(KONNECTORS, idOf(slug))
            if (there && !there.deleted) throw isInstalled()
            const row = { slug, bundle, mark: offer.mark, manifest: offer.manifest.replace(/^\uFEFF/, '') }
            await store.put(writer.query, tenant.id, row)
            // Whatever an earlier installation left is not this one's.
            await permissions.remove(tenant, { type: 'konnector', slug }, writer)
            await permissions.create(tenant, { type: 'konnector', slug }, manifest.raw.permissions, writer)
            await writer.create(KONNECTORS, body(clock.now().toISOString(), state), idOf(slug))
          },
        )
        return await stored(tenant, slug)
      })
    }
    return track(startProgress(work))
  }

  const update = async (tenant: Tenant, request: UpdateRequest): Promise<Progress> => {
    const { slug, permissionsAcked } = request
    assertSlug(slug)
    const before = await find(tenant, slug)
    if (!before) throw notThere('Application is not installed')
    const source = parseSource(request.source || before.source)
    sources.assertAllowed(source)
    const hold = await operations.hold(tenant, slug)
    const { parameters } = request
    return track(startProgress(tell => upgrade(tenant, hold, { slug, source, permissionsAcked, parameters }, tell)))
  }

  /** The update itself, with the right to it in hand. */
  const upgrade = async (
    tenant: Tenant,
    hold: Hold,
    { slug, source, permissionsAcked, parameters, unasked = false }: Upgrade,
    tell: (stage: Stage) => void,
  ): Promise<Stage> => {
    await using _hold = hold
    const before = await find(tenant, slug)
    if (!before) throw notThere('Application is not installed')
    await using offer = await sources.open(tenant, source, ending.signal)
    const manifest = checkManifest(offer.manifest)
    const version = offer.versionOf(manifest.version)
    const sameSource = source.text === before.source
    const given = parametersOf(source, parameters)
    const isSame =
      sameSource &&
      given === undefined &&
      before.bundle !== undefined &&
      (await bundles.has(before.bundle)) &&
      ((offer.mark === before.mark && (source.kind !== 'file' || unasked)) ||
        ((source.kind === 'registry' || source.kind === 'archive') && version === before.version))
    if (isSame) {
      await change(tenant, hold, slug, ({ available_version: _gone, ...body }) => body)
      return await stored(tenant, slug)
    }
    if (!permissionsAcked && needsAgreement(before.manifest, manifest.raw) && !(await isTrusted(tenant, slug))) {
      // The version that is there goes on, with its own permissions. Upstream is unclear here about which set holds.
      await change(tenant, hold, slug, body => ({ ...body, available_version: version, source: source.text }))
      return await stored(tenant, slug)
    }
    const members = {
      slug,
      source: source.text,
      version,
      checksum: offer.checksum,
      parameters: given ?? manifest.raw.parameters ?? before.body.parameters,
      created_at: before.body.created_at,
    }
    const body = (state: string, updatedAt: unknown): Body =>
      bodyWith(manifest.raw, { ...members, state, updated_at: updatedAt })
    const first: Stage = { state: 'upgrading', body: body('upgrading', before.body.updated_at), rev: before.rev }
    publish(tenant, first)
    tell(first)
    return await guarded(tenant, first, async () => {
      await write(
        tenant,
        hold,
        () => take(offer, manifest),
        async (writer, bundle) => {
          const there = await writer.get(KONNECTORS, idOf(slug))
          if (!there || there.deleted) throw notThere('Application is not installed')
          await store.put(writer.query, tenant.id, {
            slug,
            bundle,
            mark: offer.mark,
            manifest: offer.manifest.replace(/^\uFEFF/, ''),
          })
          await permissions.replace(tenant, { type: 'konnector', slug }, manifest.raw.permissions, writer)
          await writer.update(KONNECTORS, idOf(slug), there.rev, body(before.state, clock.now().toISOString()))
        },
      )
      // Runs that began with the old code end with it.
      if (before.bundle !== undefined) await bundles.touch(before.bundle, clock.now())
      return await stored(tenant, slug)
    })
  }

  /** Changes the document alone, when that changes anything. */
  const change = async (tenant: Tenant, hold: Hold, slug: string, edit: (body: Body) => Body): Promise<void> => {
    await documents.transaction(tenant, async writer => {
      await hold.release(writer)
      const there = await writer.get(KONNECTORS, idOf(slug))
      if (!there || there.deleted) throw notThere('Application is not installed')
      const body = edit(there.body)
      if (JSON.stringify(body) !== JSON.stringify(there.body))
        await writer.update(KONNECTORS, there.id, there.rev, body)
    })
  }

  /** The operator has agreed for all instances of the context, or for these konnectors. */
  const isTrusted = async (tenant: Tenant, slug: string): Promise<boolean> => {
    const context = await contextOf(tenant)
    const platform = context?.platform_apps
    return context?.permissions_skip_verification === true || (Array.isArray(platform) && platform.includes(slug))
  }

  return {
    find,
    install,
    update,
    /** Only when nobody else is at it. @returns undefined otherwise */
    async tryUpdate(tenant: Tenant, slug: string, source: Source): Promise<Progress | undefined> {
      const hold = await operations.tryHold(tenant, slug)
      if (!hold) return undefined
      return track(
        startProgress(tell => upgrade(tenant, hold, { slug, source, permissionsAcked: false, unasked: true }, tell)),
      )
    },
    /** Takes `available_version` away when the source has nothing newer any more. */
    async forgetAvailable(tenant: Tenant, slug: string): Promise<void> {
      await using hold = await operations.tryHold(tenant, slug)
      if (hold) await change(tenant, hold, slug, ({ available_version: _gone, ...body }) => body)
    },
    /** From `installed` to `ready`. */
    async activate(tenant: Tenant, slug: string): Promise<void> {
      await documents.transaction(tenant, async writer => {
        const there = await writer.get(KONNECTORS, idOf(slug))
        if (!there || there.deleted || there.body.state !== 'installed') return
        await writer.update(KONNECTORS, there.id, there.rev, { ...there.body, state: 'ready' })
      })
    },
    signal: ending.signal,
    /** Ends what is under way; nothing half is left. */
    async end(): Promise<void> {
      ending.abort(new Error('the server stops'))
      await Promise.all(running)
    },
  }
}

export type Installer = ReturnType<typeof createInstaller>

const isInstalled = () => alreadyThere('Application with same slug already exists')
