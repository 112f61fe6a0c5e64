import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import { patchRecord } from './patch.ts'
import type { PermissionRecord } from './record.ts'
import { passwordRoutes } from './routes/password.ts'
import { readRoutes } from './routes/read.ts'
import type { PermissionRoom } from './routes/room.ts'
import { writeRoutes } from './routes/write.ts'
import { createRuns, type Runs } from './runs.ts'
import { createSharedByLink } from './shared-by-link.ts'
import { createShares, type OpenShare } from './shares.ts'
import { createSources, type Sources } from './sources.ts'
import { findRecord } from './store.ts'

export { covers, coversAll } from './covers.ts'
export { isDoctype, isRuleType, typeCovers, typeMatches } from './doctype-name.ts'
export { fieldTexts } from './field-texts.ts'
export { grantOf, rulesAbout, rulesOf } from './grant.ts'
export { type DecodedJwt, decodeJwt, signJwt } from './jwt.ts'
export { shownDocument } from './present.ts'
export { presentRules, type RuleJson, readRule, readRules } from './read-rules.ts'
export {
  PERMISSIONS,
  type PermissionRecord,
  type PermissionType,
  sourceIdOf,
} from './record.ts'
export { MAXIMAL, malformedScope, type PermissionSet, type Rule, VERBS } from './rules.ts'
export { RUN_LIFE_MS, RUN_NEWS, type Runs } from './runs.ts'
export { parseScope, serialiseScope } from './scope.ts'
export type { KeySource, SigningKeys } from './secrets.ts'
export { isShortCode, isTinyCode, withoutDot } from './share-codes.ts'
export { showsProof } from './share-password.ts'
export type { OpenShare } from './shares.ts'
export type { Source, Sources } from './sources.ts'

export interface Permissions extends Sources {
  /** A permission document by its id. */
  find(tenant: Tenant, id: string): Promise<PermissionRecord | undefined>
  /** The share that a share token or short code opens; undefined when it opens none (any more). */
  shareByCode(tenant: Tenant, code: string): Promise<OpenShare | undefined>
  runs: Runs
  routes: Route[]
  migrations: MigrationSource
}

export interface PermissionsDependencies {
  instances: Pick<Instances, 'secrets' | 'rates'>
}

/** May this actor do this? Documents of permissions, shares by link, live runs. `README.md` has the words. */
export function createPermissions(ground: Ground, { instances }: PermissionsDependencies): Permissions {
  const { documents, database, clock } = ground
  const find = (tenant: Tenant, id: string) => findRecord(documents.of(tenant), id)
  const shares = createShares(ground, instances)
  const room: PermissionRoom = {
    find,
    patch: (tenant, actor, id, patch) => patchRecord(ground, tenant, actor, id, patch),
    shares,
    shared: createSharedByLink({ query: database.query, clock }),
  }
  return {
    ...createSources(ground),
    find,
    shareByCode: shares.byCode,
    runs: createRuns(ground),
    routes: [...readRoutes(room), ...writeRoutes(room), ...passwordRoutes(room)],
    migrations: { room: 'permissions', folder: join(import.meta.dirname, 'migrations') },
  }
}
