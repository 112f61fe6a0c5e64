import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { createAccounts } from '#rooms/accounts'
import { createData } from '#rooms/data'
import { createFiles } from '#rooms/files'
import { createInstances } from '#rooms/instances'
import { createJobs } from '#rooms/jobs'
import { createKonnectors, createRunRoom, type RunsDeps } from '#rooms/konnectors'
import { createOAuth } from '#rooms/oauth'
import { createPermissions } from '#rooms/permissions'
import { createRealtime } from '#rooms/realtime'
import { createRegistry } from '#rooms/registry'
import { type Contexts, createSettings } from '#rooms/settings'
import { createTriggers } from '#rooms/triggers'

export interface RoomsOptions {
  contexts?: Contexts | undefined
  /** The jail of konnectors; rejects with a sentence where they must not run. */
  runner: RunsDeps['runner']
}

/** All rooms, in their order: each is handed rooms before it, never one after. */
export function createRooms(ground: Ground, { contexts, runner }: RoomsOptions) {
  const instances = createInstances(ground)
  const permissions = createPermissions(ground, { instances })
  const oauth = createOAuth(ground, { instances, permissions })
  const data = createData(ground)
  const files = createFiles(ground, { instances, data })
  const accounts = createAccounts(ground, { instances, data })
  const jobs = createJobs(ground, { instances })
  const triggers = createTriggers(ground, { instances, jobs, accounts })
  const contextNamed = (name: string) => contexts?.contexts[name]
  const contextOf = async ({ id }: Tenant) => contextNamed((await instances.byId(id))?.context ?? '')
  const registry = createRegistry(ground, { contextOf, contextNamed })
  const konnectors = createKonnectors(ground, { instances, permissions, jobs, triggers, registry, contextOf })
  const runs = createRunRoom(ground, {
    instances,
    permissions,
    oauth,
    accounts,
    files,
    triggers,
    codeForRun: konnectors.codeForRun,
    runner,
    stackAddress: { host: '127.0.0.1', port: ground.config.http.port },
    pinnedHosts: ground.config.jail.pinnedHosts,
  })
  jobs.registerWorker(runs.worker)
  const realtime = createRealtime(ground, { instances, oauth, files })
  const settings = createSettings(ground, { instances, oauth, files, contexts })
  const routes: Route[] = [
    instances,
    permissions,
    oauth,
    data,
    files,
    accounts,
    jobs,
    triggers,
    registry,
    konnectors,
    runs,
    realtime,
    settings,
  ].flatMap(room => room.routes)
  const adminRoutes: Route[] = [instances, oauth, accounts, jobs, registry, konnectors].flatMap(
    room => room.adminRoutes,
  )
  return {
    instances,
    permissions,
    oauth,
    data,
    files,
    accounts,
    jobs,
    triggers,
    registry,
    konnectors,
    runs,
    realtime,
    settings,
    routes,
    adminRoutes,
  }
}

export type Rooms = ReturnType<typeof createRooms>
