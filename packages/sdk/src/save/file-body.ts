import { PassThrough } from 'node:stream'
import type { Downloaded } from './context.ts'
import { FileError } from './file-error.ts'

/** The bytes of one file, before they are read. */
export interface FileBody {
  /** Read once, to the end or until `cancel`. */
  chunks: AsyncIterable<Uint8Array>
  /** Bytes, when known before reading. */
  size?: number | undefined
  /** What the source says of it. */
  contentType?: string | undefined
  /** Given as a JavaScript string. */
  isText?: boolean
  /** Lets go of the source. Harmless after the end. */
  cancel(): void
}

/** What stream libraries of all ages have in common; pdfjs documents have no more than this. */
interface Pipeable {
  pipe(destination: NodeJS.WritableStream): unknown
  on?(event: string, listener: (...values: never[]) => void): unknown
  destroy?(): void
  /** HTTP requests of `request` and its successors. */
  abort?(): void
  response?: HttpResponse
  headers?: Record<string, unknown>
}

interface HttpResponse {
  statusCode?: number
  headers: Record<string, string | string[] | undefined>
  complete?: boolean
  on(event: string, listener: (...values: never[]) => void): unknown
}

/**
 * The bytes behind anything a konnector may give for a file (`sdk/exports.md` sections 8 and 20): text, Buffers and
 * other views (exactly their bytes, FIX-13), Blobs, Node and web streams, async iterables, pdfjs documents, HTTP
 * requests in flight, fetch responses, promises of these.
 * @throws FileError for an HTTP answer that is not a success, and for what cannot be a file
 */
export async function toFileBody(value: unknown): Promise<FileBody> {
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    return { ...wholeBody(bytes), isText: true }
  }
  if (ArrayBuffer.isView(value)) return wholeBody(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  if (isArrayBuffer(value)) return wholeBody(new Uint8Array(value))
  if (typeof value !== 'object' || value === null) {
    throw new FileError(`invalid data type: a file cannot be made of ${value === null ? 'null' : typeof value}`)
  }
  // Before `then`: a request in flight is both, and as a promise it would give decoded text instead of bytes.
  if (isPipeable(value)) return Symbol.asyncIterator in value ? streamBody(value as never) : pipedBody(value)
  if ('then' in value && typeof value.then === 'function') return toFileBody(await value)
  if (isResponse(value)) return responseBody(value)
  if (value instanceof Blob) return { ...streamBody(value.stream()), size: value.size, ...typeOf(value.type) }
  if (Symbol.asyncIterator in value || 'getReader' in value) return streamBody(value as never)
  throw new FileError('invalid data type: a file must be text, bytes or a stream')
}

/** The body of a download; an answer that is not a success is refused before anything is read or sent (FIX-15). */
export async function downloadedBody(downloaded: Downloaded): Promise<FileBody> {
  const { status } = downloaded
  if (status !== undefined && (status < 200 || status > 299)) {
    downloaded.cancel?.()
    throw new FileError(`the vendor answered with HTTP status ${status}`, { status })
  }
  const body = await toFileBody(downloaded.body)
  return {
    ...body,
    isText: false,
    size: downloaded.size ?? body.size,
    contentType: downloaded.contentType ?? body.contentType,
    cancel: () => {
      downloaded.cancel?.()
      body.cancel()
    },
  }
}

function wholeBody(bytes: Uint8Array): FileBody {
  async function* once() {
    yield bytes
  }
  return { chunks: once(), size: bytes.byteLength, cancel: () => {} }
}

function streamBody(
  source: (AsyncIterable<unknown> | ReadableStream<unknown>) & { destroy?(): void; cancel?(): unknown },
): FileBody {
  const { readableEncoding } = source as { readableEncoding?: BufferEncoding | null }
  const iterator = iterate(source)
  let ended = false
  async function* chunks() {
    for (;;) {
      const next = await iterator.next()
      if (next.done) {
        ended = true
        return
      }
      yield toBytes(next.value, readableEncoding ?? 'utf8')
    }
  }
  return {
    chunks: chunks(),
    cancel: () => {
      if (ended) return
      ended = true
      if (source.destroy) source.destroy()
      // A generator that waits for its next value answers only then: its end is nobody's concern any more.
      else iterator.return?.()?.then(undefined, () => {})
    },
  }
}

function iterate(source: AsyncIterable<unknown> | ReadableStream<unknown>): AsyncIterator<unknown> {
  if (!('getReader' in source)) return source[Symbol.asyncIterator]()
  // A web stream's own iterator would end only after the chunk it waits for: a silent connection would stay open.
  const reader = source.getReader()
  return {
    next: async () => (await reader.read()) as IteratorResult<unknown>,
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}

function responseBody(response: Response): Promise<FileBody> {
  const encoded = response.headers.get('content-encoding')
  const length = encoded && encoded !== 'identity' ? null : response.headers.get('content-length')
  return downloadedBody({
    status: response.status,
    body: response.body ?? new Uint8Array(),
    ...(length === null ? {} : { size: Number(length) }),
    ...typeOf(response.headers.get('content-type')),
  })
}

/** Takes the bytes of a source that only knows `pipe`, from now on; what is not read yet waits (back-pressure). */
function capture(source: Pipeable): PassThrough {
  const through = new PassThrough()
  // The reader gets the error when it reads; before that, it must not end the process.
  through.on('error', () => {})
  source.on?.('error', (error: Error) => through.destroy(error instanceof Error ? error : new FileError(String(error))))
  source.on?.('abort', () => through.destroy(new FileError('the download was aborted')))
  source.on?.('response', (response: HttpResponse) => {
    // `request` ends its stream in the ordinary way when the connection breaks: half a file would look whole.
    const broken = () => through.destroy(new FileError('the connection broke during the download'))
    response.on('aborted', broken)
    response.on('close', () => response.complete === false && broken())
  })
  source.pipe(through)
  return through
}

const captured = new WeakMap<object, { through: PassThrough; response: Promise<HttpResponse> | undefined }>()

/**
 * Keeps the bytes of an HTTP request that is already under way until its file's turn comes: they would be lost, because
 * nothing else reads them.
 */
export function holdRequestInFlight(value: unknown): void {
  if (isRequest(value) && !captured.has(value)) captureRequest(value)
}

/** Gives up a stream that turned out not to be needed, so that its socket does not keep the process alive. */
export function releaseUnused(value: unknown): void {
  // A request that was read to its end has given its socket back: aborting it would cut somebody else's.
  if (isRequest(value) && !captured.get(value)?.through.readableEnded) value.abort?.()
}

function captureRequest(source: Pipeable) {
  const response = new Promise<HttpResponse>((resolve, reject) => {
    if (source.response) resolve(source.response)
    source.on?.('response', resolve as never)
    source.on?.('error', reject as never)
    source.on?.('abort', (() => reject(new FileError('the download was aborted'))) as never)
  })
  response.catch(() => {})
  const held = { through: capture(source), response }
  captured.set(source, held)
  return held
}

async function pipedBody(source: Pipeable): Promise<FileBody> {
  if (!isRequest(source)) return streamBody(capture(source))
  const { through, response } = captured.get(source) ?? captureRequest(source)
  const { statusCode, headers } = (await response) ?? {}
  const encoded = headers?.['content-encoding']
  const length = encoded && encoded !== 'identity' ? undefined : headers?.['content-length']
  return downloadedBody({
    status: statusCode,
    body: through,
    ...(length === undefined ? {} : { size: Number(length) }),
    ...typeOf(headers?.['content-type'] as string | undefined),
    cancel: () => {
      through.destroy()
      source.abort?.()
    },
  })
}

function typeOf(contentType: string | null | undefined): { contentType?: string } {
  return contentType ? { contentType } : {}
}

function toBytes(chunk: unknown, encoding: BufferEncoding): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (isArrayBuffer(chunk)) return new Uint8Array(chunk)
  throw new FileError(`a stream of a file gave ${chunk === null ? 'null' : typeof chunk} instead of bytes`)
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))
}

function isPipeable(value: object): value is Pipeable {
  return 'pipe' in value && typeof value.pipe === 'function'
}

function isRequest(value: unknown): value is Pipeable {
  return (
    typeof value === 'object' &&
    value !== null &&
    isPipeable(value) &&
    'abort' in value &&
    typeof value.abort === 'function'
  )
}

function isResponse(value: object): value is Response {
  return 'status' in value && 'headers' in value && 'arrayBuffer' in value && typeof value.arrayBuffer === 'function'
}
