import type { RunSql } from '#ground/documents/sql'
import { badRequest } from '#ground/http/errors'
import type { ContentsPage } from '../present.ts'
import type { DirectoryEntry } from '../record.ts'
import { countChildren } from './count-store.ts'
import { nextQuery, pageCursor, pageLimit, type Query, wholeNumber } from './page-query.ts'
import { childrenOf } from './tree-store.ts'

const PAGE = 30
/** Upstream knows no maximum; a page is kept in memory, so there is one, and `links.next` leads on. */
const LARGEST_PAGE = 10_000

/** One page of children asked for: by cursor, or by a number of children to skip. */
export interface PageOfContents {
  limit: number
  after?: { type: string; name: string } | undefined
  skip?: number | undefined
}

/** From `page[limit]`, `page[cursor]`, `page[skip]`. @throws JsonApiError 400 */
export function contentsPage(query: Query): PageOfContents {
  const limit = pageLimit(query, { standard: PAGE, most: LARGEST_PAGE })
  const cursor = pageCursor(query)
  if (!cursor) return { limit, skip: wholeNumber(query, 'page[skip]') }
  const [key] = cursor
  if (!Array.isArray(key) || key.length !== 2 || !key.every(part => typeof part === 'string' && !part.includes('\0'))) {
    throw badRequest('page[cursor] is malformed')
  }
  return { limit, after: { type: key[0], name: key[1] } }
}

/** Reads a page of a directory, one child more than it shows to know whether there are others. */
export async function readContents(
  run: RunSql,
  tenantId: string,
  directory: DirectoryEntry,
  page: PageOfContents = { limit: PAGE },
): Promise<ContentsPage> {
  const { limit, skip } = page
  const [found, total] = await Promise.all([
    childrenOf(run, tenantId, directory._id, { ...page, limit: limit + 1 }),
    countChildren(run, tenantId, directory._id),
  ])
  const children = found.slice(0, limit)
  const last = children.at(-1)
  const isLast = found.length <= limit || !last
  return {
    children,
    total,
    next: isLast
      ? undefined
      : skip === undefined
        ? nextQuery({ 'page[cursor]': JSON.stringify([[last.type, last.name], last._id]), 'page[limit]': limit })
        : nextQuery({ 'page[skip]': skip + limit, 'page[limit]': limit }),
  }
}
