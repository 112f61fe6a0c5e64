import { isObject } from '../documents/selector.ts'
import { checkMatch, createFile, replaceFile, type Upload } from '../files/content.ts'
import { createDirectory, createDirectoryAt } from '../files/directories.ts'
import { directoryAnswer, fileAnswer } from '../files/file-json.ts'
import { FILES, type FileRecord, ROOT_DIR_ID, TRASH_DIR_ID } from '../files/file-record.ts'
import { type AttributeChanges, changeAttributes, destroy, restore, trash } from '../files/moves.ts'
import { ApiError, fileNotFound, invalidParameter } from '../http/errors.ts'
import {
  apiAnswer,
  JSON_API,
  jsonAnswer,
  NO_CONTENT,
  parameter,
  readData,
  type StackRequest,
} from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'
import { requiredPath } from './files-read.ts'
import { createMetadataShelf } from './metadata-shelf.ts'

/** Making, changing and removing files and directories (`protocol/files.md` sections 3, 5 and 6). */
export function fileWriteRoutes(context: StackContext): Route[] {
  const { files } = context
  const shelf = createMetadataShelf(context)
  const answer = (record: FileRecord, status = 200) =>
    apiAnswer(
      record.type === 'file' ? fileAnswer(record) : directoryAnswer(files, record, { limit: 30, skip: 0 }),
      status,
    )

  const about = (request: StackRequest) => {
    const { createdAt, updatedAt } = dates(request)
    return {
      tags:
        parameter(request, 'Tags')
          ?.split(',')
          .map(tag => tag.trim())
          .filter(tag => tag !== '') ?? [],
      metadata: shelf.take(request),
      createdAt,
      updatedAt,
      sourceAccount: parameter(request, 'SourceAccount'),
      sourceAccountIdentifier: parameter(request, 'SourceAccountIdentifier'),
    }
  }
  const upload = (request: StackRequest): Upload => ({
    ...about(request),
    body: request.body,
    contentType: request.header('content-type'),
    contentMd5: request.header('content-md5') || undefined,
    size: announcedSize(request),
    executable: parameter(request, 'Executable') === 'true',
    encrypted: parameter(request, 'Encrypted') === 'true',
    signal: request.signal,
  })
  const create = async (request: StackRequest, dirId: string) => {
    const type = parameter(request, 'Type')
    if (type === 'file')
      return answer(await createFile(files, dirId, request.query.get('Name') ?? '', upload(request)), 201)
    if (type !== 'directory')
      throw new ApiError(422, 'Invalid Attribute', 'Type should be file or directory', { pointer: 'type' })
    const path = parameter(request, 'Path')
    const isRecursive = parameter(request, 'Recursive') === 'true'
    if (path !== undefined) return answer(createDirectoryAt(files, path, isRecursive, about(request)), 201)
    return answer(createDirectory(files, dirId, request.query.get('Name') ?? '', about(request)), 201)
  }
  const patch = async (record: FileRecord, data: unknown): Promise<FileRecord> => {
    const attributes = isObject(data) && isObject(data.attributes) ? data.attributes : {}
    if (attributes.permanent_delete === true) return destroy(files, record._id)
    if (attributes.move_to_trash === true) return trash(files, record._id)
    return changeAttributes(files, record._id, toChanges(data))
  }
  const patchRoute = async (request: StackRequest, find: () => FileRecord | undefined) => {
    const data = await readData(request)
    const record = find()
    if (!record) throw fileNotFound()
    checkMatch(record, ifMatch(request))
    return answer(await patch(record, data))
  }

  return [
    ['POST', '/files/upload/metadata', shelf.store],
    ['POST', '/files', request => create(request, ROOT_DIR_ID)],
    ['POST', '/files/:id', (request, { id = '' }) => create(request, id)],
    ['POST', '/files/trash/:id', (_request, { id = '' }) => answer(restore(files, id))],
    [
      'PUT',
      '/files/:id',
      async (request, { id = '' }) => answer(await replaceFile(files, id, ifMatch(request), upload(request))),
    ],
    [
      'POST',
      '/files/:id/versions',
      async (request, { id = '' }) => {
        if (files.get(id).type !== 'file') throw fileNotFound()
        const data = await readData(request)
        return answer(await changeAttributes(files, id, toChanges({ attributes: { metadata: attributesOf(data) } })))
      },
    ],
    ['PATCH', '/files', request => patchMany(request)],
    ['PATCH', '/files/metadata', request => patchRoute(request, () => files.atPath(requiredPath(request)))],
    ['PATCH', '/files/:id', (request, { id = '' }) => patchRoute(request, () => files.get(id))],
    [
      'DELETE',
      '/files/trash',
      async () => {
        for (const record of files.childrenOf(TRASH_DIR_ID))
          if (files.alive(record._id)) await destroy(files, record._id)
        return NO_CONTENT
      },
    ],
    [
      'DELETE',
      '/files/trash/:id',
      async (_request, { id = '' }) => {
        // The stack upstream does not look; a file that is not in the trash would then be lost by mistake.
        if (!files.inTrash(files.get(id)))
          throw new ApiError(400, 'Bad Request', 'File or directory is not in the trash')
        await destroy(files, id)
        return NO_CONTENT
      },
    ],
    [
      'DELETE',
      '/files/:id',
      async (request, { id = '' }) => {
        checkMatch(files.get(id), ifMatch(request))
        return answer(await trash(files, id))
      },
    ],
  ]

  async function patchMany(request: StackRequest) {
    const data = await readData(request)
    const errors: object[] = []
    for (const one of Array.isArray(data) ? data : [data]) {
      const id = isObject(one) && typeof one.id === 'string' ? one.id : ''
      try {
        await patch(files.get(id), one)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        errors.push({ ...error.entry(), source: { parameter: '_id', pointer: id } })
      }
    }
    return errors.length === 0 ? NO_CONTENT : jsonAnswer(400, { errors }, JSON_API)
  }
}

/** No versions are kept here: a new version without new content is new metadata. */
function attributesOf(data: unknown): unknown {
  return isObject(data) ? data.attributes : undefined
}

function ifMatch(request: StackRequest): string | undefined {
  return request.header('if-match') || parameter(request, 'rev')
}

/** RFC 3339 in the query, or one `Date` header for both; what cannot be parsed is ignored. */
function dates(request: StackRequest): { createdAt: string | undefined; updatedAt: string | undefined } {
  const header = toIso(request.header('date'))
  return {
    createdAt: toIso(parameter(request, 'CreatedAt')) ?? header,
    updatedAt: toIso(parameter(request, 'UpdatedAt')) ?? header,
  }
}

function toIso(text: string | undefined): string | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function announcedSize(request: StackRequest): number | undefined {
  const text = request.header('content-length') ?? parameter(request, 'Size')
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw invalidParameter('Size', 'Size should be a number of bytes')
  return Number(text)
}

function toChanges(data: unknown): AttributeChanges {
  const { attributes: given, relationships } = isObject(data) ? data : {}
  const attributes = isObject(given) ? given : {}
  const changes: AttributeChanges = {}
  const related = isObject(relationships) && isObject(relationships.parent) ? relationships.parent.data : undefined
  const parent = attributes.dir_id ?? (isObject(related) && related.type === FILES ? related.id : undefined)
  if (typeof parent === 'string') changes.dir_id = parent
  for (const name of ['name', 'class'] as const)
    if (typeof attributes[name] === 'string') changes[name] = attributes[name]
  for (const name of ['executable', 'encrypted'] as const)
    if (typeof attributes[name] === 'boolean') changes[name] = attributes[name]
  if (Array.isArray(attributes.tags)) changes.tags = attributes.tags.map(String)
  if (isObject(attributes.metadata)) changes.metadata = attributes.metadata
  const updated = toIso(typeof attributes.updated_at === 'string' ? attributes.updated_at : undefined)
  if (updated) changes.updated_at = updated
  if (isObject(attributes.cozyMetadata) && typeof attributes.cozyMetadata.favorite === 'boolean')
    changes.favorite = attributes.cozyMetadata.favorite
  return changes
}
