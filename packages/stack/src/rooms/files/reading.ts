import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import { type Access, createAccess } from './access.ts'
import { followCounts } from './read/count-store.ts'
import { createLinks } from './read/link-store.ts'
import { createReader, type Reader } from './read/reader.ts'
import { createReferenceStore } from './read/reference-store.ts'
import { FILES } from './record.ts'
import { type Find, readRoutes } from './routes/read-routes.ts'

/** The reading half of the room. */
export interface Reading {
  access: Access
  reader: Reader
  routes: Route[]
}

/**
 * Puts the reading half together and has its tables follow the documents from now on; call it once per ground.
 * @param find the data room's `_find`
 */
export function createReading(ground: Ground, { find }: { find: Find }): Reading {
  const access = createAccess(ground)
  const reader = createReader(ground)
  const links = createLinks(reader.run, ground.clock)
  const references = createReferenceStore(reader.run)
  ground.documents.onChange(
    async (changes, writer) => {
      await references.follow(changes, writer)
      await followCounts(changes, writer)
    },
    (_tenant, doctype) => doctype === FILES,
  )
  return {
    access,
    reader,
    routes: readRoutes({ ground, access, reader, links, references, find }),
  }
}
