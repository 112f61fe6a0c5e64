import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { DocumentTransaction } from '#ground/documents/contract'
import { onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { createReading, type Reading } from './reading.ts'
import type { Find } from './routes/read-routes.ts'
import { writeRoutes } from './routes/write-routes.ts'
import type { Owner, WriteContext } from './write/context.ts'
import { createFirstDirectories } from './write/first-directories.ts'
import { createFilesWriter, type FilesWriter } from './write/service.ts'
import { createTreeTransactions } from './write/tree-transactions.ts'
import { keepUsage } from './write/usage.ts'

export type { Access } from './access.ts'
export type { Reader } from './read/reader.ts'
export * from './record.ts'
export { type Caller, callerOf, SERVER } from './write/caller.ts'
export type { About, FileAbout, NewFile } from './write/create-file.ts'
export type { FilesWriter } from './write/service.ts'
export type { Usage } from './write/usage-store.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'files', folder: join(import.meta.dirname, 'migrations') }

/** What is needed of the instances room. */
export interface InstancesDoor {
  byId(id: string): Promise<(Tenant & Owner) | undefined>
  list(page: { after?: string; limit?: number }): Promise<Tenant[]>
  onCreated(hook: (instance: Tenant, writer: DocumentTransaction) => Promise<void>): void
}

export interface FilesDeps {
  instances: InstancesDoor
  data: { find: Find }
}

export interface FilesOptions {
  /** Of one file, bytes. Default: only the quota bounds it. */
  maxFileBytes?: number | undefined
  /** Whether an instance begins with folders of its own. Default: yes. */
  withFolders?(instance: Tenant): boolean
}

/**
 * A content that nothing names is left alone for so long: no upload, and no import of an instance, takes longer between its
 * bytes and their row.
 */
const ORPHAN_AGE_MS = 24 * 3_600_000

export interface Files {
  /** Changes. Rooms below act as `SERVER`. */
  service: FilesWriter
  reader: Reading['reader']
  access: Reading['access']
  routes: Route[]
  migrations: MigrationSource
  /**
   * Removes what is over: contents nothing names, expired metadata, and with `trashDays` what has been in the trash longer.
   * Called at the start and from time to time; safe while everything runs.
   */
  housekeeping(options?: { trashDays?: number | undefined; signal?: AbortSignal | undefined }): Promise<void>
  /** Waits for removals of contents that are under way. */
  settled(): Promise<void>
}

/** Files: folders and bytes, with their permissions, trash, versions and quota. Call it once per ground. */
export function createFiles(ground: Ground, { instances, data }: FilesDeps, options: FilesOptions = {}): Files {
  const { clock, database, documents, log } = ground
  const run = onPool(database.driver)
  const transactions = createTreeTransactions(ground)
  const context: WriteContext = {
    ground,
    run,
    inTree: transactions.inTree,
    maxFileBytes: options.maxFileBytes,
    async ownerOf({ id }) {
      const instance = await instances.byId(id)
      return { quotaBytes: instance?.quotaBytes, publicName: instance?.publicName ?? '' }
    },
  }
  keepUsage(documents)
  instances.onCreated((instance, writer) =>
    createFirstDirectories(context, instance, writer, options.withFolders?.(instance) ?? true),
  )
  const reading = createReading(ground, { find: data.find })
  const service = createFilesWriter(context, run)

  return {
    service,
    reader: reading.reader,
    access: reading.access,
    routes: [...reading.routes, ...writeRoutes({ ...reading, writer: service })],
    migrations,
    settled: transactions.settled,
    async housekeeping({ trashDays, signal } = {}) {
      const now = clock.now().getTime()
      await service.shelf.clear()
      for (let after: string | undefined; ; ) {
        const page = await instances.list({ ...(after !== undefined && { after }), limit: 100 })
        for (const instance of page) {
          if (signal?.aborted) return
          const orphans = await service.collectOrphans(instance, new Date(now - ORPHAN_AGE_MS))
          if (orphans > 0) log.info('removed contents that no file names', { instance: instance.domain, orphans })
          if (trashDays !== undefined) await service.purgeTrash(instance, new Date(now - trashDays * 86_400_000))
        }
        after = page.at(-1)?.domain
        if (after === undefined) return
      }
    },
  }
}
