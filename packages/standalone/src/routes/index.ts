import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'
import { changeRoutes } from './data-changes.ts'
import { documentRoutes } from './data-documents.ts'
import { indexRoutes } from './data-indexes.ts'
import { listRoutes } from './data-lists.ts'
import { downloadRoutes } from './downloads.ts'
import { fileReadRoutes } from './files-read.ts'
import { fileWriteRoutes } from './files-write.ts'
import { referenceRoutes } from './references.ts'
import { settingsRoutes } from './settings.ts'

/** All that this stack answers; the first route that fits wins, so fixed names come before ids. */
export function createRoutes(context: StackContext): Route[] {
  return [
    ...changeRoutes(context),
    ...listRoutes(context),
    ...indexRoutes(context),
    ...referenceRoutes(context),
    ...documentRoutes(context),
    ...downloadRoutes(context),
    ...fileReadRoutes(context),
    ...fileWriteRoutes(context),
    ...settingsRoutes(context),
  ]
}
