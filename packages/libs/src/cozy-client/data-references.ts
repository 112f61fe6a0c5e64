import { dataPath } from './data-path.ts'
import { exchange, exchangeJson } from './exchange.ts'
import type { JsonApiObject } from './json-api.ts'

/** The document a reference points at. */
export interface Referenced {
  _type: string
  _id: string
}

const path = (doc: Referenced) => `${dataPath(doc._type, doc._id)}/relationships/references`
const body = (ids: string | string[]) => ({ json: { data: [ids].flat().map(id => ({ type: 'io.cozy.files', id })) } })

/** Makes files point at a document. @param ids ids of files, or one id @returns '' */
export async function addReferencedFiles(doc: Referenced, ids: string | string[]): Promise<string> {
  if (!doc) throw new Error('missing doc argument')
  return (await exchange('POST', path(doc), body(ids))).text()
}

/** @returns '' */
export async function removeReferencedFiles(doc: Referenced, ids: string | string[]): Promise<string> {
  if (!doc) throw new Error('missing doc argument')
  return (await exchange('DELETE', path(doc), body(ids))).text()
}

/** @returns ids of the first page (100) of files that point at the document */
export async function listReferencedFiles(doc: Referenced): Promise<string[]> {
  if (!doc) throw new Error('missing doc argument')
  const answer = await exchangeJson<JsonApiObject>('GET', path(doc))
  return [answer.data ?? []].flat().map(({ id }) => id)
}

/**
 * @param options paging: `{limit, cursor, skip}`
 * @param sort `datetime` (default) or `id`
 * @returns the JSON:API answer as it came, files in `included`
 */
export async function fetchReferencedFiles(
  doc: Referenced,
  options: Record<string, unknown> = {},
  sort = 'datetime',
): Promise<JsonApiObject> {
  if (!doc) throw new Error('missing doc argument')
  const page = Object.entries(options).map(
    ([name, value]) => `&page[${name}]=${encodeURIComponent(JSON.stringify(value))}`,
  )
  return exchangeJson('GET', `${path(doc)}?include=files&sort=${sort}${page.join('')}`)
}
