import type { FileAttributes, Reference } from '@konnectory/protocol'

/** An object of a JSON:API answer (`protocol/conventions.md` section 1). */
export interface JsonApiData {
  id: string
  type: string
  attributes?: unknown
  meta?: { rev?: string }
  links?: Record<string, string>
  relationships?: Record<string, JsonApiRelationship>
}

export interface JsonApiRelationship {
  data?: Reference | Reference[] | null
  links?: Record<string, string>
  meta?: Record<string, unknown>
}

export interface JsonApiObject {
  data?: JsonApiData | JsonApiData[] | null
  included?: JsonApiData[]
  links?: Record<string, string>
  meta?: Record<string, unknown>
}

/** A JSON:API object as the old client hands it out. */
// biome-ignore lint/suspicious/noExplicitAny: attributes depend on the doctype
export interface JsonApiResource<A = any> {
  _id: string
  _type: string
  _rev: string | undefined
  links: Record<string, string>
  attributes: A
  /** The included object(s) a relationship points at: one, an array, null for an empty one, undefined when unknown. */
  relations(name: string): JsonApiResource | (JsonApiResource | undefined)[] | null | undefined
  relationships?: Record<string, JsonApiRelationship>
}

/** A file or directory as `cozyClient.files.*` hands it out. */
export interface FileResource extends JsonApiResource<FileAttributes> {
  isDir: boolean
}

/** @returns the object, or the array of objects, of a JSON:API answer; `undefined` for one without data */
export function parseJsonApi(answer: JsonApiObject): JsonApiResource | JsonApiResource[] | undefined {
  const known = new Map<string, JsonApiResource>()
  const convert = (data: JsonApiData): JsonApiResource => {
    const resource: JsonApiResource = {
      _id: data.id,
      _type: data.type,
      _rev: data.meta?.rev,
      links: { ...data.links, ...answer.links },
      attributes: data.attributes,
      relations(name) {
        const target = data.relationships?.[name]?.data
        if (!Array.isArray(target)) return target && known.get(keyOf(target))
        return target.map(reference => known.get(keyOf(reference)))
      },
    }
    if (data.relationships) resource.relationships = data.relationships
    known.set(keyOf(data), resource)
    return resource
  }
  for (const data of answer.included ?? []) convert(data)
  if (Array.isArray(answer.data)) return answer.data.map(convert)
  return answer.data ? convert(answer.data) : undefined
}

const keyOf = (reference: Reference) => `${reference.type}/${reference.id}`

/** Adds `isDir`, which callers read to tell directories from files. */
export function asFile(resource: JsonApiResource): FileResource {
  return Object.assign(resource, { isDir: (resource.attributes as FileAttributes | undefined)?.type === 'directory' })
}
