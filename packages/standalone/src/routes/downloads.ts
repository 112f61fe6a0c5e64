import { fileAnswer } from '../files/file-json.ts'
import type { FileRecord } from '../files/file-record.ts'
import { ApiError, fileNotFound } from '../http/errors.ts'
import { apiAnswer, parameter, type StackRequest, type StackResponse } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'
import { requiredPath } from './files-read.ts'

/** Content of files, straight and by link (`protocol/files.md` section 7). */
export function downloadRoutes({ files, documents }: StackContext): Route[] {
  const links = new Map<string, string>()

  const send = (request: StackRequest, record: FileRecord | undefined): StackResponse => {
    if (record?.type !== 'file') throw fileNotFound()
    const etag = record.md5sum === undefined ? undefined : `"${record.md5sum}"`
    const headers: Record<string, string> = {
      'content-type': record.mime ?? 'application/octet-stream',
      'content-length': record.size ?? '0',
      'accept-ranges': 'bytes',
      'content-disposition': disposition(record.name, parameter(request, 'Dl') === '1'),
      'last-modified': new Date(record.updated_at).toUTCString(),
      ...(etag ? { etag } : {}),
    }
    if (etag && request.header('if-none-match') === etag) return { status: 304, headers: { etag } }
    const size = Number(record.size ?? 0)
    const validator = request.header('if-range')
    const part = validator === undefined || validator === etag ? partOf(request.header('range'), size) : undefined
    if (!part) return { status: 200, headers, body: () => files.disk.read(files.componentsOf(record)) }
    if (part.start > part.end) return { status: 416, headers: { 'content-range': `bytes */${size}` } }
    return {
      status: 206,
      headers: {
        ...headers,
        'content-length': String(part.end - part.start + 1),
        'content-range': `bytes ${part.start}-${part.end}/${size}`,
      },
      body: () => files.disk.read(files.componentsOf(record), part),
    }
  }

  return [
    ['GET', '/files/download', request => send(request, files.atPath(requiredPath(request)))],
    ['GET', '/files/download/:id', (request, { id = '' }) => send(request, files.get(id))],
    [
      'POST',
      '/files/downloads',
      request => {
        const id = parameter(request, 'Id')
        const record = id === undefined ? files.atPath(requiredPath(request)) : files.get(id)
        if (record?.type !== 'file') throw fileNotFound()
        const secret = documents.ids.next('download')
        links.set(secret, record._id)
        const related = `/files/downloads/${secret}/${encodeURIComponent(parameter(request, 'Filename') ?? record.name)}`
        return apiAnswer({ ...fileAnswer(record), links: { related } })
      },
    ],
    [
      'GET',
      '/files/downloads/:secret/:name',
      (request, { secret = '' }) => {
        const id = links.get(secret)
        if (id === undefined) throw new ApiError(400, 'Bad Request', 'Wrong download token')
        return send(request, files.get(id))
      },
    ],
  ]
}

/**
 * First and last byte of a `Range`; an empty one (`start > end`) when the file has no such bytes. Undefined: send all of it, which is
 * allowed for what is malformed and for several ranges at once.
 */
function partOf(range: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') return { start: Math.max(0, size - Number(last)), end: Number(last) === 0 ? -1 : size - 1 }
  if (last !== '' && Number(last) < Number(first)) return undefined
  const start = Number(first)
  return start >= size ? { start, end: -1 } : { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

function disposition(name: string, isAttachment: boolean): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\]/g, '_')
  const kind = isAttachment ? 'attachment' : 'inline'
  const extended = ascii === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name)}`
  return `${kind}; filename="${ascii}"${extended}`
}
