/** A row of a table of any room, without `instance_id`, as JSON. */
export type Row = Record<string, unknown>

/**
 * Where a room keeps texts sealed by the keyring, so that they can travel: what is sealed belongs to an instance of one server,
 * and must be opened when it leaves, and sealed again when it arrives.
 */
export interface SealedPlace {
  /** Name of the table; `docs` for documents. */
  table: string
  /** With `docs`: of which type. */
  doctype?: string
  /** The context those texts were sealed with (`keyring.seal(tenant, context, …)`). `row` has `id` and, of documents, `doc`. */
  context(row: Row): string
}

/** What the rooms tell about what they keep, for archives of instances. */
export interface Portable {
  /** Here are sealed texts. Those nobody told of stay behind: rows of a room's table that has some. */
  sealed(place: SealedPlace): void
  /** A table that has no meaning elsewhere: counters, keys, what expires within minutes. */
  ephemeral(table: string): void
  placeOf(table: string, doctype: unknown): SealedPlace | undefined
  isEphemeral(table: string): boolean
}

export function createPortable(): Portable {
  const places: SealedPlace[] = []
  // The keyring's keys open nothing elsewhere; what is counted, running or shelved here means nothing there.
  const ephemeral = new Set(['tenant_keys', 'rate_counters', 'konnector_runs', 'file_links', 'files_metadata_shelf'])
  return {
    sealed: place => void places.push(place),
    ephemeral: table => void ephemeral.add(table),
    placeOf: (table, doctype) =>
      places.find(place => place.table === table && (place.doctype === undefined || place.doctype === doctype)),
    isEphemeral: table => ephemeral.has(table),
  }
}

/** A sealed text of the keyring as a value in JSON text; it has nothing that JSON escapes. */
export const SEALED_IN_JSON = /"(k1\.[\w-]{12}\.[\w-]{38,})"(?!\s*:)/g
/** The same as it travels. */
export const TRAVELLING_IN_JSON = /"(x1\.[\w-]{38,})"(?!\s*:)/g
/** Where a document of a file, or of a version of one, names its content (`files/record.ts`). */
export const BLOB_IN_JSON = /"internal_blob":\s*"([0-9a-f]{32})"/g
/** Doctypes whose documents do. */
export const WITH_BLOBS = new Set(['io.cozy.files', 'io.cozy.files.versions'])

/**
 * Replaces in JSON text, without taking it apart: a number of 30 digits stays what it is.
 * @param change what stands instead, without quotes
 */
export async function replaceTexts(
  text: string,
  pattern: RegExp,
  change: (found: string) => string | Promise<string>,
): Promise<string> {
  let written = ''
  let from = 0
  for (const match of text.matchAll(pattern)) {
    const found = match[1] ?? ''
    const at = match.index + match[0].lastIndexOf(found)
    written += text.slice(from, at) + (await change(found))
    from = at + found.length
  }
  return from === 0 ? text : written + text.slice(from)
}

/** A copy without the members whose text is sealed; items of lists become null. */
export function withoutSealed(value: unknown): unknown {
  const isSealed = (item: unknown) => typeof item === 'string' && /^k1\.[\w-]{12}\.[\w-]{38,}$/.test(item)
  if (Array.isArray(value)) return value.map(item => (isSealed(item) ? null : withoutSealed(item)))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !isSealed(item))
      .map(([name, item]) => [name, withoutSealed(item)]),
  )
}
