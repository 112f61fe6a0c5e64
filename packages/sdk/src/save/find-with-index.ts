import { isStatus, type StackClient } from '@konnectory/client'
import type { FileDocument, Stored } from '@konnectory/protocol'

const FILES = 'io.cozy.files'

/**
 * All files that match.
 * @param fields what an index is made on, should the stack ask for one
 */
export function findFiles(
  client: StackClient,
  selector: Record<string, unknown>,
  fields: string[],
): Promise<FileDocument[]> {
  return withIndex(client, FILES, fields, useIndex => client.files.findAll({ selector, ...useIndex }))
}

/** All documents that match; `[]` when the doctype has none yet. */
export function findDocuments(
  client: StackClient,
  doctype: string,
  selector: Record<string, unknown>,
): Promise<Stored[]> {
  return withIndex(client, doctype, selectedFields(selector), useIndex =>
    client.data.findAll(doctype, { selector, ...useIndex }),
  )
}

/** The index is made only when the stack asks for it (`protocol/data.md` section 5): it is there from the first run on. */
async function withIndex<T>(
  client: StackClient,
  doctype: string,
  fields: string[],
  find: (useIndex: { use_index?: string }) => Promise<T>,
): Promise<T> {
  try {
    return await find({})
  } catch (error) {
    if (!isStatus(error, 400) || !/no_index|no_usable_index/.test(error.message) || fields.length === 0) throw error
  }
  const { id } = await client.data.defineIndex(doctype, fields)
  return find({ use_index: id })
}

/** The attributes a selector speaks of, as dotted names, operators left out. */
function selectedFields(selector: object, prefix = ''): string[] {
  return Object.entries(selector).flatMap(([name, value]) => {
    if (name.startsWith('$')) return []
    const inner = isPlain(value) ? selectedFields(value, `${prefix}${name}.`) : []
    return inner.length > 0 ? inner : [prefix + name]
  })
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
