import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import { createAccounts } from '#rooms/accounts'
import { createData } from '#rooms/data'
import { createFiles } from '#rooms/files'
import { createInstances } from '#rooms/instances'
import { createOAuth } from '#rooms/oauth'
import { createPermissions } from '#rooms/permissions'
import { createRealtime } from '#rooms/realtime'
import { type Contexts, createSettings } from '#rooms/settings'

/** All rooms, in their order: each is handed rooms before it, never one after. */
export function createRooms(ground: Ground, { contexts }: { contexts?: Contexts | undefined } = {}) {
  const instances = createInstances(ground)
  const permissions = createPermissions(ground, { instances })
  const oauth = createOAuth(ground, { instances, permissions })
  const data = createData(ground)
  const files = createFiles(ground, { instances, data })
  const accounts = createAccounts(ground, { instances, data })
  const realtime = createRealtime(ground, { instances, oauth, files })
  const settings = createSettings(ground, { instances, oauth, files, contexts })
  const routes: Route[] = [instances, permissions, oauth, data, files, accounts, realtime, settings].flatMap(
    room => room.routes,
  )
  const adminRoutes: Route[] = [instances, oauth, accounts].flatMap(room => room.adminRoutes)
  return { instances, permissions, oauth, data, files, accounts, realtime, settings, routes, adminRoutes }
}

export type Rooms = ReturnType<typeof createRooms>
