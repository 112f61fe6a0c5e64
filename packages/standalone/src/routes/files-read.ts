import { projectFields } from '../documents/field-path.ts'
import { pageLimit } from '../documents/find.ts'
import { isObject } from '../documents/selector.ts'
import { contents, directoryAnswer, fileAnswer, fileAttributes, listedObject, nextLink } from '../files/file-json.ts'
import { FILES, type FileRecord, TRASH_DIR_ID } from '../files/file-record.ts'
import { findFiles } from '../files/find-files.ts'
import { ApiError, fileNotFound } from '../http/errors.ts'
import { apiAnswer, numberParameter, parameter, readJsonObject, type StackRequest } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

const CONTENTS_PAGE = 30
/** What the stack answers when it does not know how many there are. */
const UNKNOWN_COUNT = 2147483646
/** Given even when `fields` does not name them. */
const ALWAYS = ['_id', '_rev', 'type', 'class', 'size', 'trashed']

/** Reading the tree (`protocol/files.md` section 4). */
export function fileReadRoutes({ files }: StackContext): Route[] {
  const answer = (request: StackRequest, record: FileRecord | undefined) => {
    if (!record) throw fileNotFound()
    return apiAnswer(
      record.type === 'file' ? fileAnswer(record) : directoryAnswer(files, record, contentsPage(request)),
    )
  }
  const contentsAnswer = (request: StackRequest, directory: FileRecord, path: string) => {
    if (directory.type !== 'directory') throw new ApiError(400, 'Bad Request', 'this is not a directory')
    const page = contentsPage(request)
    const all = contents(files, directory)
    const shown = all.slice(page.skip, page.skip + page.limit)
    return apiAnswer({
      data: shown.map(child => listedObject(child)),
      meta: { count: shown.length },
      links: nextLink(path, page, all.length),
    })
  }
  return [
    ['GET', '/files/metadata', request => answer(request, files.atPath(requiredPath(request)))],
    ['GET', '/files/trash', request => contentsAnswer(request, files.get(TRASH_DIR_ID), '/files/trash')],
    ['GET', '/files/:id', (request, { id = '' }) => answer(request, files.get(id))],
    [
      'GET',
      '/files/:id/relationships/contents',
      (request, { id = '' }) => contentsAnswer(request, files.get(id), request.path),
    ],
    [
      'GET',
      '/files/:id/size',
      (_request, { id = '' }) => {
        const size = totalSize(files.get(id))
        return apiAnswer({ data: { type: 'io.cozy.files.sizes', id, attributes: { size: String(size) }, meta: {} } })
      },
    ],
    [
      'POST',
      '/files/_find',
      async request => {
        const body = await readJsonObject(request)
        const limit = numberParameter(request, 'page[limit]')
        const skip = numberParameter(request, 'page[skip]')
        const bookmark = parameter(request, 'page[cursor]') ?? parameter(request, 'cursor')
        const page = findFiles(files, {
          ...body,
          fields: undefined,
          limit: limit === undefined ? body.limit : pageLimit(limit),
          skip: skip ?? body.skip,
          bookmark: bookmark ?? body.bookmark,
        })
        const isFull = page.next && page.stored.length > 0
        const fields = Array.isArray(body.fields) && body.fields.length > 0 ? body.fields.map(String) : undefined
        return apiAnswer({
          data: page.stored.map(record => withPath(record as FileRecord, fields)),
          // The bookmark needs no encoding, and clients of the ecosystem expect none.
          links: isFull ? { next: `/files/_find?page[cursor]=${page.bookmark}` } : {},
          meta: {
            count: isFull ? UNKNOWN_COUNT : page.skip + page.stored.length,
            ...(page.warning ? { warning: page.warning } : {}),
            ...(page.execution_stats ? { execution_stats: page.execution_stats } : {}),
          },
        })
      },
    ],
    [
      'POST',
      '/files/_all_docs',
      async request => {
        const body = await readJsonObject(request)
        const keys = isObject(body) && Array.isArray(body.keys) ? body.keys : []
        const found = keys.map(key => files.alive(String(key))).filter(record => record !== undefined)
        return apiAnswer({ data: found.map(record => withPath(record, undefined)), meta: { count: found.length } })
      },
    ],
  ]

  function totalSize(record: FileRecord): number {
    if (record.type === 'file') return Number(record.size)
    return files.childrenOf(record._id).reduce((sum, child) => sum + totalSize(child), 0)
  }

  /** Files have their path in the answers of queries only: it is not stored but computed. */
  function withPath(record: FileRecord, fields: string[] | undefined) {
    const whole = { ...fileAttributes(record), _id: record._id, path: files.pathOf(record) }
    const { _id, _rev, ...attributes } = fields
      ? projectFields(whole, [...ALWAYS, ...fields])
      : { ...whole, _rev: record._rev }
    return { ...listedObject(record, attributes), type: FILES }
  }
}

export function requiredPath(request: StackRequest): string {
  return request.query.get('Path') ?? ''
}

function contentsPage(request: StackRequest) {
  return {
    limit: numberParameter(request, 'page[limit]') ?? CONTENTS_PAGE,
    skip: numberParameter(request, 'page[skip]') ?? numberParameter(request, 'page[cursor]') ?? 0,
  }
}
