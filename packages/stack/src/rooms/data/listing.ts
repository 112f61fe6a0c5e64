import type { Documents, FeedInfo, StoredDocument } from '#ground/documents/contract'
import { readLosers } from '#ground/documents/replicate-sql'
import type { RunSql } from '#ground/documents/sql'
import type { Tenant } from '#ground/tenant'
import { documentText } from './document-text.ts'
import { type Bound, countBetween, type IdRange, pagesById } from './listing-store.ts'

/** Design documents: the Mango indexes of a doctype, as `_all_docs` shows them among the others. */
export type DesignDocuments = (tenant: Tenant, doctype: string) => Promise<DesignDocument[]>

export interface DesignDocument {
  /** `_design/…` */
  id: string
  rev: string
  /** JSON text of the whole document. */
  text: string
}

export interface AllDocsOptions {
  range: IdRange
  descending: boolean
  skip: number
  limit: number | undefined
  includeDocs: boolean
  conflicts: boolean
  designs: boolean
  /** Of each document only these; rows then have no key. */
  fields: string[] | undefined
}

/** A row's parts before it is written. */
interface Row {
  id: string
  rev: string
  doc: string | undefined
}

/** Ids of documents never begin with `_`, so all design documents lie between those before and those after this. */
const DESIGN_PLACE = '_'

/** Part of the list: documents of a range, or the design documents among them. */
interface Segment {
  count(): Promise<number>
  pages(skip: number, limit: number | undefined): AsyncIterable<Row[]>
}

/** Rows of `_all_docs`, page by page, as texts. */
export async function* allDocsRows(
  run: RunSql,
  tenantId: string,
  doctype: string,
  designs: DesignDocument[],
  options: AllDocsOptions,
): AsyncGenerator<string[]> {
  let { skip } = options
  let left = options.limit ?? Number.POSITIVE_INFINITY
  const segments = segmentsOf(run, tenantId, doctype, designs, options)
  for (const [index, segment] of segments.entries()) {
    if (left <= 0) return
    if (skip > 0 && index < segments.length - 1) {
      const size = await segment.count()
      if (size <= skip) {
        skip -= size
        continue
      }
    }
    for await (const page of segment.pages(skip, left)) {
      left -= page.length
      yield page.map(row => rowText(row, options))
    }
    skip = 0
  }
}

/** How many rows lie before those asked for. */
export async function offsetOf(
  run: RunSql,
  tenantId: string,
  doctype: string,
  designs: DesignDocument[],
  { range: { low, high }, descending, skip }: AllDocsOptions,
): Promise<number> {
  const start = descending ? high : low
  if (!start) return skip
  const opposite = { id: start.id, inclusive: !start.inclusive }
  const before: IdRange = descending ? { low: opposite } : { high: opposite }
  return (await countBetween(run, tenantId, doctype, before)) + designsIn(designs, before).length + skip
}

function segmentsOf(
  run: RunSql,
  tenantId: string,
  doctype: string,
  designs: DesignDocument[],
  { range, descending, includeDocs, conflicts, fields, designs: wanted }: AllDocsOptions,
): Segment[] {
  const contents = includeDocs || fields !== undefined
  const documents = (part: IdRange): Segment => ({
    count: () => countBetween(run, tenantId, doctype, part),
    async *pages(skip, limit) {
      for await (const page of pagesById(run, tenantId, doctype, part, { descending, skip, limit, contents })) {
        const losers = conflicts
          ? await readLosers(
              run,
              tenantId,
              doctype,
              page.map(({ id }) => id),
            )
          : undefined
        yield page.map(document => {
          const conflicting = losers?.get(document.id)?.flatMap(({ rev, deleted }) => (deleted ? [] : rev))
          return {
            id: document.id,
            rev: document.rev,
            doc: contents
              ? documentText(document, conflicting?.length ? { members: { _conflicts: conflicting } } : {})
              : undefined,
          }
        })
      }
    },
  })
  const among = wanted ? designsIn(designs, range) : []
  if (among.length === 0) return [documents(range)]
  const ordered = descending ? among.toReversed() : among
  const middle: Segment = {
    count: async () => ordered.length,
    async *pages(skip, limit) {
      const rows = ordered.slice(skip, skip + Math.min(limit ?? ordered.length, ordered.length))
      if (rows.length > 0) yield rows.map(({ id, rev, text }) => ({ id, rev, doc: contents ? text : undefined }))
    },
  }
  const place: Bound = { id: DESIGN_PLACE, inclusive: false }
  const segments = [
    documents({ ...range, high: lower(range.high, place) }),
    middle,
    documents({ ...range, low: higher(range.low, place) }),
  ]
  return descending ? segments.reverse() : segments
}

const lower = (a: Bound | undefined, b: Bound) => (a && a.id < b.id ? a : b)
const higher = (a: Bound | undefined, b: Bound) => (a && a.id > b.id ? a : b)

function designsIn(designs: DesignDocument[], { low, high }: IdRange): DesignDocument[] {
  return designs
    .filter(({ id }) => !low || id > low.id || (low.inclusive && id === low.id))
    .filter(({ id }) => !high || id < high.id || (high.inclusive && id === high.id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function rowText(
  { id, rev, doc }: Row,
  { fields, includeDocs }: Pick<AllDocsOptions, 'fields' | 'includeDocs'>,
): string {
  const name = JSON.stringify(id)
  const key = fields ? '' : `,"key":${name}`
  const content = fields ? `,"doc":${pick(doc!, fields)}` : includeDocs ? `,"doc":${doc}` : ''
  return `{"id":${name}${key},"value":{"rev":${JSON.stringify(rev)}}${content}}`
}

/** Some members of a document; `a.b` is a member of a member. */
function pick(doc: string, fields: string[]): string {
  const source: Record<string, unknown> = JSON.parse(doc)
  const picked: Record<string, unknown> = Object.create(null)
  for (const field of fields) {
    if (Object.hasOwn(source, field)) picked[field] = source[field]
    else if (field.includes('.')) pickPath(source, picked, field.split('.'))
  }
  return JSON.stringify(picked)
}

function pickPath(source: Record<string, unknown>, into: Record<string, unknown>, [name, ...rest]: string[]): void {
  if (name === undefined || !Object.hasOwn(source, name)) return
  const value = source[name]
  if (rest.length === 0) {
    into[name] = value
    return
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const inner: Record<string, unknown> = Object.assign(Object.create(null), into[name])
  pickPath(value as Record<string, unknown>, inner, rest)
  if (Object.keys(inner).length > 0) into[name] = inner
}

/** Ids looked up at a time. */
const KEYS_AT_ONCE = 100

/** Rows for given ids, in their order: unknown and deleted ones have a row too. */
export async function* keyRows(
  documents: Documents,
  tenant: Tenant,
  doctype: string,
  designs: DesignDocument[],
  keys: string[],
  includeDocs: boolean,
): AsyncGenerator<string[]> {
  const byId = new Map(designs.map(design => [design.id, design]))
  for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
    const some = keys.slice(at, at + KEYS_AT_ONCE)
    const storable = some.filter(key => !key.includes('\0'))
    const found = new Map<string, StoredDocument>()
    for (const document of await documents.of(tenant).getMany(doctype, storable))
      if (document) found.set(document.id, document)
    yield some.map(key => keyRow(key, found.get(key), byId.get(key), includeDocs))
  }
}

function keyRow(
  key: string,
  document: StoredDocument | undefined,
  design: DesignDocument | undefined,
  includeDocs: boolean,
): string {
  const name = JSON.stringify(key)
  if (design) return rowText({ id: key, rev: design.rev, doc: design.text }, { fields: undefined, includeDocs })
  if (!document) return `{"key":${name},"error":"not_found"}`
  if (!document.deleted) {
    const doc = includeDocs ? documentText(document) : undefined
    return rowText({ id: key, rev: document.rev, doc }, { fields: undefined, includeDocs })
  }
  const value = `{"rev":${JSON.stringify(document.rev)},"deleted":true}`
  return `{"id":${name},"key":${name},"value":${value}${includeDocs ? ',"doc":null' : ''}}`
}

/** Where a reader of `_normal_docs` has come to. */
export interface Place {
  /** Last id given out; undefined before the first. */
  id: string | undefined
  count: number
}

/** Bare documents from a place on, without design documents, as texts; moves the place. */
export async function* normalRows(
  run: RunSql,
  tenantId: string,
  doctype: string,
  place: Place,
  { skip, limit }: { skip: number; limit: number },
): AsyncGenerator<string[]> {
  const range = place.id === undefined ? {} : { low: { id: place.id, inclusive: false } }
  for await (const page of pagesById(run, tenantId, doctype, range, { skip, limit, contents: true })) {
    place.id = page.at(-1)!.id
    place.count += page.length
    yield page.map(document => documentText(document))
  }
}

/** Opaque to clients. */
export const bookmarkOf = (id: string) => Buffer.from(`1${id}`).toString('base64url')

/** The id a bookmark stands for; undefined for one that is not ours. */
export function placeOf(bookmark: string): string | undefined {
  const place = Buffer.from(bookmark, 'base64url').toString()
  return place.startsWith('1') && bookmarkOf(place.slice(1)) === bookmark && !place.includes('\0')
    ? place.slice(1)
    : undefined
}

/** `12-a1b2c3d4`, a place in a changes feed. */
export const sequenceOf = ({ epoch }: Pick<FeedInfo, 'epoch'>, seq: number): string => `${seq}-${epoch}`
