import { isObject } from '../documents/selector.ts'
import { invalidParameter } from '../http/errors.ts'
import { apiAnswer, parameter, readData, type StackRequest, type StackResponse } from '../http/exchange.ts'
import type { StackContext } from './context.ts'

const VALID_MS = 10 * 60_000

/** Metadata sent ahead of an upload, for ten minutes (`protocol/files.md` section 3). */
export interface MetadataShelf {
  store(request: StackRequest): Promise<StackResponse>
  /** What `MetadataID` or the older `Metadata` of this upload stands for. @throws ApiError 422 for an id unknown or expired */
  take(request: StackRequest): Record<string, unknown> | undefined
}

export function createMetadataShelf({ documents, now }: StackContext): MetadataShelf {
  const shelf = new Map<string, { metadata: Record<string, unknown>; until: number }>()
  return {
    async store(request) {
      const data = await readData(request)
      const metadata = isObject(data) && isObject(data.attributes) ? data.attributes : {}
      const time = now().getTime()
      for (const [id, { until }] of shelf) {
        if (until > time) break
        shelf.delete(id)
      }
      const id = documents.ids.next('metadata')
      shelf.set(id, { metadata, until: time + VALID_MS })
      return apiAnswer({ data: { type: 'io.cozy.files.metadata', id, attributes: metadata, meta: {} } }, 201)
    },
    take(request) {
      const id = parameter(request, 'MetadataID')
      if (id === undefined) return inline(parameter(request, 'Metadata'))
      const found = shelf.get(id)
      if (!found || found.until <= now().getTime())
        throw invalidParameter('MetadataID', 'MetadataID is invalid or expired')
      return found.metadata
    },
  }
}

function inline(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const metadata: unknown = JSON.parse(text)
    if (isObject(metadata)) return metadata
  } catch {
    // Said below.
  }
  throw invalidParameter('Metadata', 'Metadata should be a JSON object')
}
