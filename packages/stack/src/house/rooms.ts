import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { createAccounts } from '#rooms/accounts'
import { createData } from '#rooms/data'
import { createFiles } from '#rooms/files'
import { createInstances } from '#rooms/instances'
import { createJobs } from '#rooms/jobs'
import { createKonnectors } from '#rooms/konnectors'
import { createOAuth } from '#rooms/oauth'
import { createPermissions } from '#rooms/permissions'
import { createRealtime } from '#rooms/realtime'
import { createRegistry } from '#rooms/registry'
import { type Contexts, createSettings } from '#rooms/settings'
import { createTriggers } from '#rooms/triggers'

/** All rooms, in their order: each is handed rooms before it, never one after. */
export function createRooms(ground: Ground, { contexts }: { contexts?: Contexts | undefined } = {}) {
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
    realtime,
    settings,
    routes,
    adminRoutes,
  }
}

export type Rooms = ReturnType<typeof createRooms>
