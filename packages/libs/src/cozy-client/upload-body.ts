import type { BodyData } from '@konnectory/client'
import builtins from '../builtins.cjs'

/** What `files.create` and `save` take as content. */
export type FileContent =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | NodeJS.ReadableStream
  | ReadableStream<Uint8Array>

/** @returns the type sent when the caller names none */
export function defaultContentType(data: unknown): string {
  if (typeof data === 'string') return 'text/plain'
  if (data instanceof Blob && data.type) return data.type
  return 'application/octet-stream'
}

/**
 * @param data string (sent as UTF-8), bytes, Blob, web stream, or anything with `readable` and `pipe`: Node streams, requests
 *   in flight, pdfjs documents (which are no Node streams: they only look like one)
 * @returns what `fetch` can send. Of a Buffer exactly its own bytes: small ones share memory with others (FIX-13)
 * @throws Error `missing data argument`, `invalid data type`
 */
export function toBody(data: unknown): BodyData {
  if (data === undefined || data === null || data === '') throw new Error('missing data argument')
  if (typeof data === 'string') return new TextEncoder().encode(data)
  if (data instanceof Uint8Array || data instanceof ArrayBuffer || data instanceof Blob) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (data instanceof ReadableStream) return data
  if (isPipeable(data)) return fromPipeable(data)
  throw new Error('invalid data type')
}

interface Pipeable {
  pipe(destination: NodeJS.WritableStream): unknown
  on?(event: 'error', listener: (error: Error) => void): unknown
}

function isPipeable(data: unknown): data is Pipeable {
  if (typeof data !== 'object' && typeof data !== 'function') return false
  return typeof (data as Partial<Pipeable> | null)?.pipe === 'function'
}

function fromPipeable(source: Pipeable): BodyData {
  const { PassThrough, Readable } = builtins.stream()
  const through = new PassThrough()
  // `pipe` does not hand errors over: without this an upload whose source fails would wait forever.
  source.on?.('error', error => through.destroy(error))
  source.pipe(through)
  return Readable.toWeb(through) as ReadableStream<Uint8Array>
}
