import type { Clock } from '../../src/ground/clock.ts'
import { createPool } from '../../src/ground/database/index.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createNews } from '../../src/ground/news/index.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { createKonnectors, type KonnectorsDeps } from '../../src/rooms/konnectors/index.ts'
import { createPermissions } from '../../src/rooms/permissions/index.ts'

/** The konnectors room on a database and a folder that others use too, as a process of its own would have it. */
export async function openKonnectors(of: { url: string; folder: string; instanceId: string; clock: Clock }) {
  const { url, folder, instanceId, clock } = of
  const database = createPool({ target: url, connections: 5, statementTimeout: 10_000, log: silentLog })
  const news = createNews({ log: silentLog })
  const konnectors = { registries: [], installers: [], localSources: true, privateSources: true }
  const ground = {
    config: { dataDirectory: folder, konnectors },
    clock,
    log: silentLog,
    database,
    news,
    documents: createDocuments({ database, clock, publish: news.publish }),
  } as unknown as Ground
  const instance = { id: instanceId, domain: 'a.localhost', url: 'http://a.localhost/', locale: 'en' } as Instance
  const instances = {
    archive: { portable: { ephemeral: () => {} } },
    byId: async () => instance,
    byDomain: async () => instance,
    list: async () => [instance],
  } as unknown as KonnectorsDeps['instances']
  const permissions = createPermissions(ground, { instances } as unknown as Parameters<typeof createPermissions>[1])
  const registry = { published: async () => undefined, maintenanceOf: async () => undefined }
  return {
    ground,
    instance,
    permissions,
    konnectors: createKonnectors(ground, { instances, permissions, registry }),
    database,
  }
}
