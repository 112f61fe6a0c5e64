import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { BlobMissing } from '#ground/blobs/contract'
import type { Ground } from '#ground/ground'
import type { Answer } from '#ground/http/answer'
import type { Tenant } from '#ground/tenant'
import { type DirectoryEntry, type Entry, FILES, type FileEntry, ROOT_ID, VERSIONS } from '../record.ts'
import { wrongCounts } from './count-store.ts'
import { joinPath, type Reader } from './reader.ts'
import { orphans, toEntry } from './tree-store.ts'

/** Documents read at a time. */
const PAGE = 200
const MOST_FOUND = 1000

/** One thing that is wrong. */
export interface Finding {
  type: 'orphan' | 'count_mismatch' | 'path_mismatch' | 'content_missing' | 'content_mismatch'
  id: string
  doctype: string
  detail: string
}

/**
 * `GET /files/fsck`: a JSON array of findings, written as they are found; every content is read and compared with what its
 * document says. An empty array: all is well.
 */
export function checkTree(ground: Ground, reader: Reader, tenant: Tenant, signal: AbortSignal): Answer {
  async function* lines() {
    let separator = '['
    for await (const finding of findings(ground, reader, tenant, signal)) {
      yield `${separator}${JSON.stringify(finding)}`
      separator = ',\n'
    }
    yield separator === '[' ? '[]' : ']'
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: Readable.from(lines(), { objectMode: false }),
  }
}

export async function* findings(
  ground: Ground,
  reader: Reader,
  tenant: Tenant,
  signal?: AbortSignal,
): AsyncGenerator<Finding> {
  for (const { _id, dir_id } of await orphans(reader.run, tenant.id, MOST_FOUND)) {
    yield { type: 'orphan', id: _id, doctype: FILES, detail: `its parent ${dir_id} is not there` }
  }
  for (const id of await wrongCounts(reader.run, tenant.id, MOST_FOUND)) {
    yield {
      type: 'count_mismatch',
      id,
      doctype: FILES,
      detail: 'the number of its children is another one than recorded',
    }
  }
  for await (const page of pages(ground, tenant, FILES, signal)) {
    yield* misplaced(ground, tenant, page)
    for (const entry of page) if (entry.type === 'file') yield* damaged(ground, tenant, FILES, entry)
  }
  for await (const page of pages(ground, tenant, VERSIONS, signal)) {
    for (const version of page) yield* damaged(ground, tenant, VERSIONS, version as unknown as FileEntry)
  }
}

async function* pages(ground: Ground, tenant: Tenant, doctype: string, signal?: AbortSignal): AsyncGenerator<Entry[]> {
  let startKey: string | undefined
  for (;;) {
    signal?.throwIfAborted()
    const found = await ground.documents.of(tenant).list(doctype, { limit: PAGE, startKey })
    yield found.map(toEntry)
    if (found.length < PAGE) return
    // The first id after the last one: in `C` order nothing lies between a text and itself with a smallest character.
    startKey = `${found.at(-1)?.id}\u0001`
  }
}

/** Directories whose stored path is not that of their parent and their name. */
async function* misplaced(ground: Ground, tenant: Tenant, entries: Entry[]): AsyncGenerator<Finding> {
  const directories = entries.filter((entry): entry is DirectoryEntry => entry.type === 'directory')
  const parents = await ground.documents.of(tenant).getMany(
    FILES,
    directories.map(({ dir_id }) => dir_id),
  )
  for (const [index, { _id, name, path }] of directories.entries()) {
    const parent = parents[index]
    const right = _id === ROOT_ID ? '/' : parent && joinPath(String(parent.body.path), name)
    if (right && right !== path) {
      yield { type: 'path_mismatch', id: _id, doctype: FILES, detail: `its path is ${path}, and should be ${right}` }
    }
  }
}

async function* damaged(
  { blobs }: Ground,
  tenant: Tenant,
  doctype: string,
  { _id, size, md5sum, internal_blob }: Pick<FileEntry, '_id' | 'size' | 'md5sum' | 'internal_blob'>,
): AsyncGenerator<Finding> {
  const missing: Finding = { type: 'content_missing', id: _id, doctype, detail: 'its content is not in the store' }
  if (typeof internal_blob !== 'string') {
    yield missing
    return
  }
  const hash = createHash('md5')
  let bytes = 0
  try {
    for await (const chunk of await blobs.open(tenant.id, internal_blob)) {
      hash.update(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
  } catch (error) {
    if (!(error instanceof BlobMissing)) throw error
    yield missing
    return
  }
  if (String(bytes) !== size) {
    yield { type: 'content_mismatch', id: _id, doctype, detail: `${bytes} bytes are stored, ${size} are recorded` }
  } else if (hash.digest('base64') !== md5sum) {
    yield { type: 'content_mismatch', id: _id, doctype, detail: 'its checksum is another one than recorded' }
  }
}
