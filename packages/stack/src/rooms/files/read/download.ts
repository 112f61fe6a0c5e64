import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { BlobMissing } from '#ground/blobs/contract'
import type { Ground } from '#ground/ground'
import type { Answer } from '#ground/http/answer'
import { JsonApiError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { FileRecord, VersionRecord } from '../record.ts'
import { evaluateConditions, rangeCounts } from './conditions.ts'
import { contentDisposition, contentPolicy, mayBeShown, safeMime } from './disposition.ts'
import { type ByteRange, contentRange, readRange } from './ranges.ts'

/** What a download needs of a file or of an old content of it. */
export type Content = Pick<FileRecord & VersionRecord, 'size' | 'md5sum' | 'updated_at' | 'internal_blob'> & {
  name: string
  mime: string
}

export interface DownloadRequest {
  method: string
  headers: Record<string, string | string[] | undefined>
  /** `?Dl=1`: to be saved. */
  attachment: boolean
}

/**
 * The answer of a download: the whole, one range, several ranges as `multipart/byteranges`, 304, 412 or 416
 * (`protocol/files.md` §7, RFC 9110 §13, §14). Bytes go from the blob store to the client as they come.
 * @param again finds the content anew when its blob went away meanwhile: somebody has overwritten the file
 */
export async function downloadAnswer(
  blobs: Ground['blobs'],
  tenant: Tenant,
  content: Content,
  request: DownloadRequest,
  again?: () => Promise<Content>,
): Promise<Answer> {
  try {
    return await answerFor(blobs, tenant, content, request)
  } catch (error) {
    if (!(error instanceof BlobMissing) || !again) throw error
    const now = await again()
    if (now.internal_blob === content.internal_blob) throw error
    return answerFor(blobs, tenant, now, request)
  }
}

async function answerFor(
  blobs: Ground['blobs'],
  tenant: Tenant,
  content: Content,
  { method, headers, attachment }: DownloadRequest,
): Promise<Answer> {
  const size = Number(content.size)
  const mime = safeMime(content.mime)
  const validators = { etag: `"${content.md5sum}"`, modified: Date.parse(content.updated_at) || 0 }
  const common = {
    etag: validators.etag,
    'last-modified': new Date(validators.modified).toUTCString(),
    'accept-ranges': 'bytes',
    // Shared caches must not keep what needed a token; a browser asks again and gets a 304.
    'cache-control': 'private, no-cache',
  }
  const verdict = evaluateConditions(headers, validators)
  if (verdict === 'not modified') return { status: 304, headers: common, body: undefined }
  if (verdict === 'precondition failed') {
    throw new JsonApiError(412, 'Precondition Failed', 'the content is another one', {
      parameter: headers['if-match'] === undefined ? 'If-Unmodified-Since' : 'If-Match',
    })
  }
  const full = {
    ...common,
    'content-disposition': contentDisposition(content.name, attachment || !mayBeShown(mime) ? 'attachment' : 'inline'),
    'content-security-policy': contentPolicy(mime),
    'x-content-type-options': 'nosniff',
  }
  const isHead = method === 'HEAD'
  const open = (range?: ByteRange) =>
    // The server replaces an empty body's length by 0; of an empty stream it leaves the one given.
    isHead || size === 0 ? Readable.from([]) : blobs.open(tenant.id, content.internal_blob, range)

  const asked = headers.range
  const wanted = rangeCounts(headers['if-range'], validators)
    ? readRange(Array.isArray(asked) ? asked[0] : asked, size)
    : 'whole'
  if (wanted === 'unsatisfiable') {
    const error = new JsonApiError(416, 'Range Not Satisfiable', 'no byte of this range exists', { parameter: 'Range' })
    error.headers['content-range'] = `bytes */${size}`
    throw error
  }
  if (wanted === 'whole') {
    const whole = { ...full, 'content-type': mime, 'content-length': String(size) }
    return { status: 200, headers: whole, body: await open() }
  }
  const [only, ...others] = wanted
  if (only && others.length === 0) {
    const part = {
      ...full,
      'content-type': mime,
      'content-range': contentRange(only, size),
      'content-length': String(only.end - only.start + 1),
    }
    return { status: 206, headers: part, body: await open(only) }
  }
  return multipart(wanted, { size, mime, headers: full, open })
}

interface Multipart {
  size: number
  mime: string
  headers: Record<string, string>
  open(range: ByteRange): Readable | Promise<Readable>
}

/** Several ranges, each opened when the one before is through. */
async function multipart(ranges: ByteRange[], { size, mime, headers, open }: Multipart): Promise<Answer> {
  const boundary = randomBytes(16).toString('hex')
  const heads = ranges.map((range, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${mime}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
    ),
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const length =
    tail.length +
    heads.reduce((sum, head) => sum + head.length, 0) +
    ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
  // The first is opened before anything is promised: a blob that is gone must not become half an answer.
  const first = await open(ranges[0] as ByteRange)
  async function* parts() {
    for (const [index, range] of ranges.entries()) {
      yield heads[index] as Buffer
      yield* (index === 0 ? first : await open(range)) as AsyncIterable<Buffer>
    }
    yield tail
  }
  const body = Readable.from(parts(), { objectMode: false })
  body.once('close', () => first.destroy())
  return {
    status: 206,
    headers: {
      ...headers,
      'content-type': `multipart/byteranges; boundary=${boundary}`,
      'content-length': String(length),
    },
    body,
  }
}
