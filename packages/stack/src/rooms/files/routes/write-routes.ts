import type { Route } from '#ground/http/route'
import { createRoutes } from './create.ts'
import { trashRoutes } from './trash.ts'
import { updateRoutes } from './update.ts'
import { versionRoutes } from './versions.ts'
import type { WriteRouteDeps } from './write-deps.ts'

/** All that changes the tree. */
export function writeRoutes(deps: WriteRouteDeps): Route[] {
  return [...createRoutes(deps), ...updateRoutes(deps), ...trashRoutes(deps), ...versionRoutes(deps)]
}
