import type { IncomingHttpHeaders } from 'node:http'
import { invalidAttribute, invalidParameter } from '#ground/http/errors'
import { parameter, type Query } from '../read/page-query.ts'
import type { About, FileAbout } from './create-file.ts'
import { readDate, readHttpDate } from './dates.ts'
import type { Patch } from './service.ts'

type Json = Record<string, unknown>

/** Tags of a query: `a,b`. */
const tagsOf = (query: Query): string[] =>
  parameter(query, 'Tags')
    ?.split(',')
    .map(tag => tag.trim())
    .filter(tag => tag !== '') ?? []

/** What query and headers of an upload say; empty parameters count as absent **[compat]** (`protocol/files.md` §3). */
export function aboutOf(query: Query, headers: IncomingHttpHeaders): About {
  const header = readHttpDate(headers.date)
  return {
    tags: tagsOf(query),
    createdAt: readDate(parameter(query, 'CreatedAt')) ?? header,
    updatedAt: readDate(parameter(query, 'UpdatedAt')) ?? header,
    sourceAccount: parameter(query, 'SourceAccount'),
    sourceAccountIdentifier: parameter(query, 'SourceAccountIdentifier'),
  }
}

export function fileAboutOf(query: Query, headers: IncomingHttpHeaders): FileAbout {
  return {
    ...aboutOf(query, headers),
    executable: parameter(query, 'Executable') === 'true',
    encrypted: parameter(query, 'Encrypted') === 'true',
  }
}

/** @throws JsonApiError 422 for a size that is no number */
export function contentOf(query: Query, headers: IncomingHttpHeaders) {
  const text = headers['content-length'] ?? parameter(query, 'Size')
  if (text !== undefined && !/^\d{1,15}$/.test(text)) throw invalidParameter('Size', 'Size should be a number of bytes')
  const md5 = headers['content-md5']
  return {
    contentType: headers['content-type'],
    contentMd5: (Array.isArray(md5) ? md5[0] : md5) || undefined,
    size: text === undefined ? undefined : Number(text),
  }
}

/** The revision a change is meant for: `If-Match`, with or without quotes, or `?rev=`. */
export function revisionOf(query: Query, headers: IncomingHttpHeaders): string | undefined {
  const header = headers['if-match']?.trim().replace(/^(?:W\/)?"(.*)"$/, '$1')
  return header || parameter(query, 'rev')
}

/** The deprecated `Metadata`. @throws JsonApiError 422 */
export function inlineMetadata(query: Query): Json | undefined {
  const text = parameter(query, 'Metadata')
  if (text === undefined) return undefined
  let metadata: unknown
  try {
    metadata = JSON.parse(text)
  } catch {
    metadata = undefined
  }
  if (!isObject(metadata)) throw invalidParameter('Metadata', 'Metadata should be a JSON object')
  return metadata
}

/**
 * What the data of a PATCH asks for (`protocol/files.md` §5). Unknown members are ignored, also those that are the server's.
 * @throws JsonApiError 422 for a member that is not what it should be
 */
export function patchOf(data: unknown): Patch {
  const { attributes: given, relationships } = isObject(data) ? data : ({} as Json)
  const attributes = isObject(given) ? given : {}
  const text = (name: string) => typed(attributes, name, (value): value is string => typeof value === 'string')
  const flag = (name: string) => typed(attributes, name, (value): value is boolean => typeof value === 'boolean')
  const cozyMetadata = isObject(attributes.cozyMetadata) ? attributes.cozyMetadata : {}
  const updated = text('updated_at')
  const updatedAt = readDate(updated)
  if (updated && updatedAt === undefined) throw invalidAttribute('updated_at', 'updated_at is not a date of RFC 3339')
  return {
    name: text('name'),
    dir_id: text('dir_id') ?? parentOf(relationships),
    tags: typed(attributes, 'tags', isTexts),
    updated_at: updatedAt,
    executable: flag('executable'),
    encrypted: flag('encrypted'),
    class: text('class'),
    metadata: typed(attributes, 'metadata', isObject),
    favorite: typed(cozyMetadata, 'favorite', value => typeof value === 'boolean'),
    move_to_trash: flag('move_to_trash'),
    permanent_delete: flag('permanent_delete'),
  }
}

/** @throws JsonApiError 422 */
function typed<T>(object: Json, name: string, is: (value: unknown) => value is T): T | undefined {
  const value = object[name]
  if (value === undefined || value === null) return undefined
  if (!is(value)) throw invalidAttribute(name, `${name} has the wrong type`)
  return value
}

function parentOf(relationships: unknown): string | undefined {
  const parent = isObject(relationships) ? relationships.parent : undefined
  const data = isObject(parent) ? parent.data : undefined
  if (!isObject(data) || data.id === undefined) return undefined
  if (typeof data.id !== 'string') throw invalidAttribute('parent', 'parent has the wrong type')
  return data.id
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string')
