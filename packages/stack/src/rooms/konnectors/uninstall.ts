import type { Ground } from '#ground/ground'
import { notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { ACCOUNTS, SOFT_DELETED } from '#rooms/accounts'
import type { Permissions } from '#rooms/permissions'
import type { Bundles } from './bundles/bundles.ts'
import type { Installer } from './install.ts'
import { assertSlug, idOf, KONNECTORS, type Konnector } from './konnector.ts'
import type { Hold, Operations } from './operations.ts'
import type { Store } from './store.ts'

const TRIGGERS = 'io.cozy.triggers'

/** What a cleaning run is told (`protocol/konnector-runtime.md` §7). */
export interface CleaningMessage {
  konnector: string
  account: string
  account_rev: string
  account_deleted: true
}

/** What uninstalling needs of jobs. */
export interface CleaningRuns {
  /** Runs a konnector's script for a deleted account and waits for its end. @throws when it failed, or took too long */
  clean(tenant: Tenant, message: CleaningMessage, signal: AbortSignal): Promise<void>
}

export interface UninstallDeps {
  installer: Installer
  permissions: Pick<Permissions, 'remove'>
  operations: Operations
  store: Store
  bundles: Bundles
  /** Without: a konnector with a script for deleted accounts cannot be uninstalled while it has some. */
  cleaning?: CleaningRuns | undefined
}

/** What came of it: gone at once, or going, with `done` for who waits. */
export interface Uninstallation {
  konnector: Konnector
  gone: boolean
  done: Promise<void>
}

/** Uninstalling (`protocol/konnectors-api.md` §6). */
export function createUninstall(ground: Pick<Ground, 'clock' | 'documents' | 'log'>, deps: UninstallDeps) {
  const { clock, documents, log } = ground
  const { installer, permissions, operations, store, bundles, cleaning } = deps
  const running = new Set<Promise<void>>()

  const removeKonnector = async (tenant: Tenant, hold: Hold, { slug, bundle }: Konnector): Promise<void> => {
    await documents.transaction(tenant, async writer => {
      await hold.release(writer)
      const there = await writer.get(KONNECTORS, idOf(slug))
      await permissions.remove(tenant, { type: 'konnector', slug }, writer)
      await store.remove(writer.query, tenant.id, slug)
      if (there && !there.deleted) await writer.remove(KONNECTORS, there.id, there.rev)
    })
    // A run may still be at it.
    if (bundle !== undefined) await bundles.touch(bundle, clock.now())
  }

  /** @returns the revision a cleaning run reads the account at; undefined when there is nothing to clean (any more) */
  const removeAccount = (tenant: Tenant, id: string): Promise<string | undefined> =>
    documents.transaction(tenant, async writer => {
      const account = await writer.get(ACCOUNTS, id)
      const copy = await writer.get(SOFT_DELETED, id)
      if (!account || account.deleted) {
        // An uninstallation that was interrupted: the copy waits for its run.
        const rev = copy && !copy.deleted ? copy.body.soft_deleted_rev : undefined
        return typeof rev === 'string' ? rev : undefined
      }
      const body = { ...account.body, soft_deleted_rev: account.rev }
      if (copy && !copy.deleted) await writer.update(SOFT_DELETED, id, copy.rev, body)
      else await writer.create(SOFT_DELETED, body, id)
      await writer.remove(ACCOUNTS, id, account.rev)
      return account.rev
    })

  const removeCopy = (tenant: Tenant, id: string): Promise<void> =>
    documents.transaction(tenant, async writer => {
      const copy = await writer.get(SOFT_DELETED, id)
      if (copy && !copy.deleted) await writer.remove(SOFT_DELETED, id, copy.rev)
    })

  const removeTriggers = async (tenant: Tenant, ids: string[]): Promise<void> => {
    for (const id of ids) {
      await documents.transaction(tenant, async writer => {
        const trigger = await writer.get(TRIGGERS, id)
        if (trigger && !trigger.deleted) await writer.remove(TRIGGERS, id, trigger.rev)
      })
    }
  }

  const cleanAccount = async (
    tenant: Tenant,
    slug: string,
    account: string,
    hasScript: boolean,
    triggers: string[],
  ) => {
    const rev = await removeAccount(tenant, account)
    if (rev !== undefined && hasScript) {
      if (!cleaning) throw new Error('nothing here can run the konnector’s script for deleted accounts')
      const message = { konnector: slug, account, account_rev: rev, account_deleted: true } as const
      await cleaning.clean(tenant, message, installer.signal)
    }
    await removeCopy(tenant, account)
    await removeTriggers(tenant, triggers)
  }

  return {
    /** @throws JsonApiError 404 not installed, 409 when it is being changed */
    async uninstall(tenant: Tenant, slug: string): Promise<Uninstallation> {
      assertSlug(slug)
      const konnector = await installer.find(tenant, slug)
      if (!konnector) throw notThere('Application is not installed')
      const hold = await operations.hold(tenant, slug)
      let handedOver = false
      try {
        const triggers = await store.triggersOf(tenant.id, slug)
        const byAccount = Map.groupBy(triggers, ({ account }) => account ?? '')
        const ownerless = (byAccount.get('') ?? []).map(({ id }) => id)
        byAccount.delete('')
        if (byAccount.size === 0) {
          await removeTriggers(tenant, ownerless)
          await removeKonnector(tenant, hold, konnector)
          return { konnector, gone: true, done: Promise.resolve() }
        }
        const hasScript =
          typeof konnector.manifest.on_delete_account === 'string' && konnector.manifest.on_delete_account !== ''
        const work = async () => {
          await using _hold = hold
          const cleanings = [...byAccount].map(([account, own]) =>
            cleanAccount(
              tenant,
              slug,
              account,
              hasScript,
              own.map(({ id }) => id),
            ),
          )
          const results = await Promise.allSettled(cleanings)
          const failed = results.find(result => result.status === 'rejected')
          if (failed) throw failed.reason
          await removeTriggers(tenant, ownerless)
          await removeKonnector(tenant, hold, konnector)
        }
        handedOver = true
        const done = work()
        const watched = done
          .catch(error => log.warn('a konnector could not be uninstalled: an account was not cleaned', { slug, error }))
          .finally(() => running.delete(watched))
        running.add(watched)
        return { konnector, gone: false, done }
      } finally {
        if (!handedOver) await hold[Symbol.asyncDispose]()
      }
    },
    async end(): Promise<void> {
      await Promise.all(running)
    },
  }
}

export type Uninstall = ReturnType<typeof createUninstall>
