import { normaliseManifest } from '@konnectory/protocol'
import type { Runner } from '@konnectory/runner'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Accounts } from '#rooms/accounts'
import type { Files } from '#rooms/files'
import type { Instances } from '#rooms/instances'
import { JobError, type WorkerDefinition } from '#rooms/jobs'
import type { OAuth } from '#rooms/oauth'
import type { Permissions } from '#rooms/permissions'
import type { Triggers } from '#rooms/triggers'
import type { InstalledCode } from '../index.ts'
import { createLineStore } from './line-store.ts'
import { runRoutes } from './routes.ts'
import { createKonnectorWorker, type RunnableKonnector } from './worker.ts'

/** Log lines older than this are removed; the records of runs stay with their jobs. */
const KEEP_LINES_MS = 30 * 24 * 3_600_000

export interface RunsDeps {
  instances: Pick<Instances, 'byId'>
  permissions: Pick<Permissions, 'runs' | 'ofSource' | 'addRules'>
  oauth: Pick<OAuth, 'mint'>
  accounts: Pick<Accounts, 'open' | 'change' | 'removeSoftDeleted' | 'types'>
  files: Pick<Files, 'service' | 'reader'>
  triggers: Pick<Triggers, 'ofAccount' | 'patch'>
  codeForRun(instance: Parameters<Instances['update']>[0], slug: string): Promise<InstalledCode | undefined>
  /** The jail; rejects with a sentence where konnectors must not run. */
  runner(): Promise<Runner>
  /** Where this server listens, for the gate to dial. */
  stackAddress: { host: string; port: number }
  pinnedHosts: { host: string; address: string; port?: number }[]
}

/** Runs of konnectors: the worker that does them, and what is kept of them. */
export function createRunRoom(
  ground: Ground,
  deps: RunsDeps,
): { worker: WorkerDefinition; routes: Route[]; housekeeping(): Promise<number> } {
  const lines = createLineStore(ground)
  const { triggers, codeForRun, runner, ...rest } = deps
  const worker = createKonnectorWorker({
    ...rest,
    ground,
    lines,
    runner: {
      async run(request) {
        let jail: Runner
        try {
          jail = await runner()
        } catch (error) {
          // The operator's to mend; the next attempt would meet the same.
          throw new JobError(`UNKNOWN_ERROR: konnectors cannot run here: ${(error as Error).message}`, {
            retry: false,
            cause: error,
          })
        }
        return jail.run(request)
      },
    },
    async find(instance, slug) {
      const code = await codeForRun(instance, slug)
      return code && runnable(slug, code)
    },
    async onDestination(instance, { slug, account, folder }) {
      if (account === undefined) return
      for (const trigger of await triggers.ofAccount(instance, account)) {
        const message = trigger.body.message
        if (typeof message !== 'object' || message === null || !('konnector' in message) || message.konnector !== slug)
          continue
        await triggers.patch(instance, trigger.id, { message: { ...message, folder_to_save: folder } })
      }
    },
  })
  return {
    worker,
    routes: runRoutes(ground, lines),
    housekeeping: () => lines.removeBefore(new Date(ground.clock.now().getTime() - KEEP_LINES_MS)),
  }
}

function runnable(
  slug: string,
  { directory, bundle, manifest: raw, version, parameters, state }: InstalledCode,
): RunnableKonnector {
  const { manifest } = normaliseManifest(raw)
  return {
    slug,
    name: manifest.name || slug,
    version,
    state: state === 'installed' ? 'installed' : 'ready',
    directory,
    key: bundle,
    language: manifest.language,
    parameters:
      typeof parameters === 'object' && parameters !== null ? (parameters as Record<string, unknown>) : undefined,
    onDeleteAccount: manifest.on_delete_account ?? undefined,
    domains: manifest.domains ?? undefined,
  }
}
