import { exchange, exchangeResource, fetchJSON } from './exchange.ts'
import { FetchError } from './fetch-error.ts'
import { asFile, type FileResource } from './json-api.ts'
import { type NodeResponse, nodeResponse } from './node-response.ts'
import { type FileContent, uploadFile } from './upload.ts'

export const ROOT_DIR_ID = 'io.cozy.files.root-dir'

/** What is said of a file beside its content. Unknown members are ignored. */
export interface FileOptions {
  name?: string
  dirID?: string
  contentType?: string
  /** Bytes, when known. */
  contentLength?: number
  /** base64 of the MD5; the stack refuses other content (412). */
  checksum?: string
  createdAt?: string | Date
  updatedAt?: string | Date
  /** Both dates, and the Date header. */
  lastModifiedDate?: string | Date
  executable?: boolean
  /** Revision the file must have (412). */
  ifMatch?: string
  metadata?: Record<string, unknown>
  sourceAccount?: string
  sourceAccountIdentifier?: string
  /** Keeps spaces around the name. */
  noSanitize?: boolean
  signal?: AbortSignal
}

const byId = (id: string) => `/files/${encodeURIComponent(id)}`
const byPath = (path: string) => `/files/metadata?Path=${encodeURIComponent(path)}`
const ifMatch = (options: { ifMatch?: string } = {}) => (options.ifMatch ? { 'if-match': options.ifMatch } : {})

/**
 * Uploads a new file. @throws {FetchError} 409 when the name is taken, 404 without the directory, 413 without room
 * @param data content
 * @param options `name` is required unless the content is a File
 */
async function create(data: FileContent, options: FileOptions = {}): Promise<FileResource> {
  if (data === undefined || data === null) throw new Error('missing data argument')
  const given = options.name || (data as { name?: unknown }).name
  const name = fileName(typeof given === 'string' ? given : undefined, options)
  return uploadFile('POST', byId(options.dirID ?? ''), { Name: name, Type: 'file' }, data, options)
}

/** Replaces the content and the metadata of a file; its name and place stay. */
async function updateById(id: string, data: FileContent, options: FileOptions = {}): Promise<FileResource> {
  return uploadFile('PUT', byId(id), {}, data, options)
}

async function createDirectory(options: FileOptions): Promise<FileResource> {
  const name = fileName(options?.name, options)
  const date = options.lastModifiedDate ? new Date(options.lastModifiedDate) : undefined
  const created = options.createdAt ?? date
  const updated = options.updatedAt ?? date
  const resource = await exchangeResource('POST', byId(options.dirID ?? ''), {
    query: {
      Name: name,
      Type: 'directory',
      CreatedAt: created && new Date(created).toISOString(),
      UpdatedAt: updated && new Date(updated).toISOString(),
    },
    ...(date ? { headers: { date: date.toUTCString() } } : {}),
  })
  return asFile(resource)
}

/** The directory at this absolute path, made with its parents when missing. */
async function createDirectoryByPath(path: string): Promise<FileResource> {
  let directory = await statById(ROOT_DIR_ID)
  let parent = ''
  for (const name of path.split('/').filter(part => part !== '')) {
    parent += `/${name.trim()}`
    try {
      directory = await statByPath(parent)
    } catch (error) {
      if (!FetchError.isNotFound(error)) throw error
      directory = await createDirectory({ name, dirID: directory._id })
    }
  }
  return directory
}

/**
 * @param id a file or directory
 * @param _offline of the old client's local database, which there is not: ignored
 * @param options paging of a directory's content: `{limit, cursor}`
 */
async function statById(
  id: string,
  _offline?: boolean,
  options: Record<string, string | number> = {},
): Promise<FileResource> {
  const query = Object.fromEntries(Object.entries(options).map(([name, value]) => [`page[${name}]`, value]))
  return asFile(await exchangeResource('GET', byId(id), { query }))
}

/** @throws {FetchError} 404 when nothing has this path */
async function statByPath(path: string): Promise<FileResource> {
  return asFile(await exchangeResource('GET', byPath(path)))
}

type AttributeOptions = Pick<FileOptions, 'ifMatch' | 'noSanitize'>

async function patch(
  path: string,
  attributes: Record<string, unknown>,
  options: AttributeOptions = {},
): Promise<FileResource> {
  if (!attributes || typeof attributes !== 'object') throw new Error('missing attrs argument')
  const { name } = attributes
  const cleaned = typeof name === 'string' && !options.noSanitize ? { ...attributes, name: name.trim() } : attributes
  const json = { data: { attributes: cleaned } }
  return asFile(await exchangeResource('PATCH', path, { json, headers: ifMatch(options) }))
}

/** Renames, moves (`dir_id`), changes metadata... */
function updateAttributesById(id: string, attributes: Record<string, unknown>, options?: AttributeOptions) {
  return patch(byId(id), attributes, options)
}

function updateAttributesByPath(path: string, attributes: Record<string, unknown>, options?: AttributeOptions) {
  return patch(byPath(path), attributes, options)
}

/** To the trash. */
async function trashById(id: string, options?: { ifMatch?: string }): Promise<FileResource> {
  if (typeof id !== 'string' || id === '') throw new Error('missing id argument')
  return asFile(await exchangeResource('DELETE', byId(id), { headers: ifMatch(options) }))
}

/** Removes for good something that is in the trash. @returns '' */
async function destroyById(id: string, options?: { ifMatch?: string }): Promise<string> {
  return (await exchange('DELETE', `/files/trash/${encodeURIComponent(id)}`, { headers: ifMatch(options) })).text()
}

async function restoreById(id: string): Promise<FileResource> {
  return asFile(await exchangeResource('POST', `/files/trash/${encodeURIComponent(id)}`))
}

/** A `fetch` response, also usable like one of node-fetch: `.buffer()`, `.body.pipe()`. */
async function downloadById(id: string): Promise<NodeResponse> {
  return nodeResponse(await exchange('GET', `/files/download/${encodeURIComponent(id)}`))
}

async function downloadByPath(path: string): Promise<NodeResponse> {
  return nodeResponse(await exchange('GET', '/files/download', { query: { Path: path } }))
}

async function downloadLink(query: { Id: string } | { Path: string }): Promise<string> {
  const resource = await exchangeResource('POST', '/files/downloads', { query })
  const link = resource.links.related
  if (!link) throw new Error('No related link in server response')
  return link
}

/** Mango query on files. @param index from `data.defineIndex` @returns JSON:API objects, or the whole answer */
async function query(
  index: { name: string; fields: string[] },
  options: {
    selector?: object
    fields?: string[]
    limit?: number
    skip?: number
    sort?: unknown[]
    wholeResponse?: boolean
  },
) {
  const { fields, selector, limit, skip, sort } = options
  const json = { use_index: index.name, fields, selector, limit, skip, sort }
  const answer = await fetchJSON('POST', '/files/_find', json, { processJSONAPI: false })
  return options.wholeResponse ? answer : answer.data
}

/** Path of a file in a directory, both as this client returns them. */
function getFilePath(file: { name?: string }, folder: FileResource): string {
  const path = folder?.attributes?.path
  if (!path) throw new Error('Folder should be valid with an attributes.path property')
  return `${path.endsWith('/') ? path : `${path}/`}${file.name}`
}

function fileName(name: string | undefined, options: FileOptions): string {
  const cleaned = options?.noSanitize ? name : name?.trim()
  if (!cleaned) throw new Error('missing name argument')
  return cleaned
}

/** `cozyClient.files`. */
export const files = {
  create,
  createDirectory,
  createDirectoryByPath,
  updateById,
  updateAttributesById,
  updateAttributesByPath,
  statById,
  statByPath,
  trashById,
  destroyById,
  restoreById,
  downloadById,
  downloadByPath,
  getDownloadLinkById: (id: string) => downloadLink({ Id: id }),
  getDownloadLinkByPath: (path: string) => downloadLink({ Path: path }),
  getFilePath,
  listTrash: () => fetchJSON('GET', '/files/trash'),
  clearTrash: () => fetchJSON('DELETE', '/files/trash'),
  query,
}
