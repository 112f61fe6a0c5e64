import { z } from 'zod'
import { type Answer, jsonApi } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import type { Verb } from '#ground/http/grant'
import type { RouteRequest } from '#ground/http/route'
import type { Access } from '../access.ts'
import { parameter, type Query } from '../read/page-query.ts'
import type { Reader } from '../read/reader.ts'
import type { Entry } from '../record.ts'
import { type Caller, callerOf } from '../write/caller.ts'
import { permittedMetadata } from '../write/metadata-shelf.ts'
import { inlineMetadata } from '../write/parameters.ts'
import type { FilesWriter } from '../write/service.ts'

export interface WriteRouteDeps {
  access: Access
  reader: Reader
  writer: FilesWriter
}

export type WriteRequest<P = unknown, B = undefined> = RouteRequest<P, Query, B>
type AnyRequest = RouteRequest<never, Query, never>

/**
 * Bytes of JSON about one entry. A record is read, checked and written whole with each change, and is shown in each listing:
 * one of 16 MiB kept the server busy for fifteen seconds.
 */
export const ABOUT_LIMIT = 1024 * 1024
/** Bytes of JSON about the entries of one batch, all together. */
export const BATCH_LIMIT = 4 * ABOUT_LIMIT

/** A JSON:API document whose attributes the handler reads. */
export const dataBody = z.object({ data: z.unknown() })
export type DataBody = z.infer<typeof dataBody>

/** @throws JsonApiError 400 without data */
export function dataOf({ data }: DataBody): unknown {
  if (data === undefined || data === null) throw badRequest('JSON input is malformed or is missing mandatory fields')
  return data
}

export function createAnswers({ access, reader, writer }: WriteRouteDeps) {
  return {
    /** @param verbs one of which is needed, as a first look: who may do nothing of the kind does not learn what is there */
    caller(request: unknown, ...verbs: [Verb, ...Verb[]]): Caller {
      access.assertSome(request as AnyRequest, ...verbs)
      return callerOf(access, request as AnyRequest)
    },
    /** The entry as a single GET shows it. */
    async entry({ tenant, query }: Pick<AnyRequest, 'tenant' | 'query'>, entry: Entry, status = 200): Promise<Answer> {
      return jsonApi(await reader.show(tenant, entry, query), status)
    },
    /** Metadata sent ahead, or the older inline one, as the caller may set it. @throws JsonApiError 422 */
    async metadata({
      tenant,
      query,
      allow,
    }: Pick<AnyRequest, 'tenant' | 'query' | 'allow'>): Promise<Record<string, unknown> | undefined> {
      const id = parameter(query, 'MetadataID')
      const metadata = id === undefined ? inlineMetadata(query) : await writer.shelf.get(tenant, id)
      return metadata && permittedMetadata(metadata, allow.maybe())
    },
  }
}
