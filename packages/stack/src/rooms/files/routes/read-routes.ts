import type { Route } from '#ground/http/route'
import { archiveRoutes } from './archive.ts'
import { changesRoutes } from './changes.ts'
import type { ReadRouteDeps } from './deps.ts'
import { downloadRoutes } from './download.ts'
import { secretDownloadRoutes } from './downloads.ts'
import { findRoutes } from './find.ts'
import { listRoutes } from './list.ts'
import { listReferenceRoutes } from './list-references.ts'
import { entryRoutes } from './read.ts'
import { referenceRoutes } from './references.ts'
import { thumbnailRoutes } from './thumbnails.ts'

export type { Find, ReadRouteDeps } from './deps.ts'

/** All that reads the tree, and references, which belong to files and to documents alike. */
export function readRoutes(deps: ReadRouteDeps): Route[] {
  return [
    ...entryRoutes(deps),
    ...findRoutes(deps),
    ...listRoutes(deps),
    ...changesRoutes(deps),
    ...downloadRoutes(deps),
    ...secretDownloadRoutes(deps),
    ...archiveRoutes(deps),
    ...thumbnailRoutes(deps),
    ...referenceRoutes(deps),
    ...listReferenceRoutes(deps),
  ]
}
