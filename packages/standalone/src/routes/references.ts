import type { Reference } from '@konnectory/protocol'
import { compareIds } from '../documents/collation.ts'
import { checkReadable } from '../documents/doctypes.ts'
import { isObject } from '../documents/selector.ts'
import { listedObject } from '../files/file-json.ts'
import { FILES, type FileRecord } from '../files/file-record.ts'
import type { FilesStore } from '../files/files-store.ts'
import { ApiError } from '../http/errors.ts'
import { apiAnswer, NO_CONTENT, numberParameter, parameter, readData, type StackRequest } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1000

/** References between files and documents, from both ends (`protocol/data.md` section 7, `files.md` section 8). */
export function referenceRoutes({ files }: StackContext): Route[] {
  const change = async (request: StackRequest, { doctype: type = '', id = '' }, apply: typeof add) => {
    const targets = await readReferences(request)
    // All of them exist, or nothing is done.
    const records = targets.map(target => files.get(target.id))
    for (const record of records) apply(files, record, [{ type, id }])
    return NO_CONTENT
  }
  return [
    [
      'GET',
      '/data/:doctype/:id/relationships/references',
      (request, { doctype = '', id = '' }) => {
        checkReadable(doctype)
        const found = files.referencedBy({ type: doctype, id }).sort(sorting(parameter(request, 'sort')))
        const limit = Math.min(numberParameter(request, 'page[limit]') ?? DEFAULT_PAGE, MAX_PAGE)
        const start = numberParameter(request, 'page[cursor]') ?? 0
        const page = found.slice(start, start + limit)
        return apiAnswer({
          data: page.map(record => ({ id: record._id, type: FILES })),
          meta: { count: found.length },
          links: start + limit < found.length ? { next: nextPage(request, start + limit) } : {},
          ...(parameter(request, 'include') === 'files' ? { included: page.map(record => listedObject(record)) } : {}),
        })
      },
    ],
    ['POST', '/data/:doctype/:id/relationships/references', (request, parameters) => change(request, parameters, add)],
    [
      'DELETE',
      '/data/:doctype/:id/relationships/references',
      (request, parameters) => change(request, parameters, remove),
    ],
    [
      'POST',
      '/files/:id/relationships/referenced_by',
      async (request, { id = '' }) => referencesAnswer(add(files, files.get(id), await readReferences(request))),
    ],
    [
      'DELETE',
      '/files/:id/relationships/referenced_by',
      async (request, { id = '' }) => referencesAnswer(remove(files, files.get(id), await readReferences(request))),
    ],
  ]
}

/** Known references are not added twice; nothing new, nothing written. */
function add(files: FilesStore, record: FileRecord, references: Reference[]): FileRecord {
  const before = record.referenced_by ?? []
  const fresh = references.filter((one, at) => !has(before, one) && !has(references.slice(0, at), one))
  return fresh.length === 0 ? record : store(files, record, [...before, ...fresh])
}

function remove(files: FilesStore, record: FileRecord, references: Reference[]): FileRecord {
  const before = record.referenced_by ?? []
  const left = before.filter(one => !has(references, one))
  return left.length === before.length ? record : store(files, record, left)
}

function store(files: FilesStore, record: FileRecord, references: Reference[]): FileRecord {
  const { referenced_by, ...content } = record
  const written = files.write(record._id, references.length > 0 ? { ...content, referenced_by: references } : content)
  files.tell('updated', written, 0, record)
  return written
}

const has = (references: Reference[], one: Reference) =>
  references.some(({ type, id }) => type === one.type && id === one.id)

function referencesAnswer(record: FileRecord) {
  const references = record.referenced_by ?? []
  return apiAnswer({ data: references, meta: { rev: record._rev, count: references.length } })
}

/** One identifier or an array of them. @throws ApiError 400 */
async function readReferences(request: StackRequest): Promise<Reference[]> {
  const data = await readData(request)
  return (Array.isArray(data) ? data : [data]).map(one => {
    if (!isObject(one) || typeof one.id !== 'string')
      throw new ApiError(400, 'Bad Request', 'a reference needs an id and a type')
    return { type: typeof one.type === 'string' ? one.type : FILES, id: one.id }
  })
}

function sorting(sort = 'id'): (a: FileRecord, b: FileRecord) => number {
  const field = sort.replace(/^-/, '')
  if (field !== 'id' && field !== 'datetime') throw new ApiError(400, 'Bad Request', `Invalid sort: ${sort}`)
  const key = (record: FileRecord) => (field === 'id' ? '' : String(record.metadata?.datetime ?? record.created_at))
  const sign = sort.startsWith('-') ? -1 : 1
  return (a, b) => sign * (compareIds(key(a), key(b)) || compareIds(a._id, b._id))
}

function nextPage(request: StackRequest, cursor: number): string {
  const query = new URLSearchParams(request.query)
  query.set('page[cursor]', String(cursor))
  return `${request.path}?${query}`
}
