import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { StoredBlob } from '#ground/blobs/contract'
import { invalidParameter, preconditionFailed, WireError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { WriteContext } from './context.ts'
import { PICTURE_HEAD_BYTES, type PictureFacts, readPicture } from './exif.ts'
import type { MimeAndClass } from './mime.ts'
import type { Room } from './quota.ts'

/** Content on its way in, and what is said about it (`protocol/files.md` §3). */
export interface Content {
  stream: Readable
  signal?: AbortSignal | undefined
  contentType?: string | undefined
  /** Base64. */
  contentMd5?: string | undefined
  /** Bytes announced. */
  size?: number | undefined
}

/** Version of what reads pictures, as it is written into their metadata. */
const EXTRACTOR_VERSION = 2

export interface Received {
  blob: StoredBlob
  /** What the content itself tells. */
  metadata: Record<string, unknown>
}

/** @throws JsonApiError 422 */
export function checkMd5Form(md5: string | undefined): void {
  if (md5 === undefined) return
  if (md5.length < 22 || md5.length > 24) throw invalidParameter('Content-MD5', 'Given MD5 hash is invalid')
}

/**
 * Stores content durably, then does what makes it visible. Refused there, or not what was announced, it is removed at once.
 * After any other error nobody knows whether the row was committed: the blob stays, and is collected if nothing names it.
 * @throws JsonApiError 412 when length or MD5 differ, 413 when it does not fit, and what `use` throws
 */
export async function withContent<T>(
  { ground }: Pick<WriteContext, 'ground'>,
  tenant: Tenant,
  content: Content,
  { type, room }: { type: MimeAndClass; room: Room },
  use: (received: Received) => Promise<T>,
): Promise<T> {
  const blob = await store(ground.blobs, tenant, content, room)
  try {
    checkComplete(blob, content)
    return await use({ blob, metadata: await extract(ground.blobs, tenant, blob, type) })
  } catch (error) {
    if (error instanceof WireError) await ground.blobs.remove(tenant.id, [blob.key])
    throw error
  }
}

async function store(
  blobs: WriteContext['ground']['blobs'],
  tenant: Tenant,
  { stream, signal, size }: Content,
  room: Room,
): Promise<StoredBlob> {
  try {
    return await blobs.put(tenant.id, stream, {
      ...(signal && { signal }),
      check(bytes) {
        room.check(bytes)
        if (size !== undefined && bytes > size) throw wrongLength(size)
      },
    })
  } catch (error) {
    // The rest is read and thrown away, so that the client comes to see the answer.
    stream.resume()
    throw error
  }
}

function checkComplete(blob: StoredBlob, { size, contentMd5 }: Content): void {
  if (size !== undefined && blob.size !== size) throw wrongLength(size)
  if (contentMd5 !== undefined && withoutPadding(contentMd5) !== withoutPadding(blob.md5)) {
    throw preconditionFailed('Content-MD5', 'Invalid hash')
  }
}

const wrongLength = (announced: number) =>
  preconditionFailed('Content-Length', `The content does not have the ${announced} bytes that were announced`)

const withoutPadding = (base64: string) => base64.replace(/=+$/, '')

/** Facts of a picture, from its first bytes as they are on disk: the upload itself is not held up. */
async function extract(
  blobs: WriteContext['ground']['blobs'],
  tenant: Tenant,
  { key, size }: StoredBlob,
  { mime }: MimeAndClass,
): Promise<Record<string, unknown>> {
  if (size === 0 || !/^image\/(jpe?g|png)$/i.test(mime)) return {}
  const end = Math.min(size, PICTURE_HEAD_BYTES) - 1
  const facts: PictureFacts = readPicture(await buffer(await blobs.open(tenant.id, key, { start: 0, end })))
  return Object.keys(facts).length === 0 ? {} : { ...facts, extractor_version: EXTRACTOR_VERSION }
}
