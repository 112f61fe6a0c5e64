import { Readable } from 'node:stream'
import { z } from 'zod'
import { type Answer, bytes, jsonApi } from '#ground/http/answer'
import { badRequest, JsonApiError } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { zipOf } from '../read/archive.ts'
import { contentDisposition, contentPolicy } from '../read/disposition.ts'
import { noSuchEntry } from '../read/reader.ts'
import { cannotBe, toEntry } from '../read/tree-store.ts'
import { wrongToken } from '../read/wrong-token.ts'
import { type Entry, FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** As many as one archive is asked for by name; what is in directories comes on top. */
const MOST = 10_000
const STANDARD_NAME = 'archive'
/** Bytes, `.zip` not counted: what file systems take. */
const LONGEST_NAME = 250

const archiveBody = z.object({
  data: z.object({
    attributes: z.object({
      name: z.string().optional(),
      files: z.array(z.string()).max(MOST).optional(),
      ids: z.array(z.string()).max(MOST).optional(),
      pages: z.array(z.unknown()).optional(),
    }),
  }),
})
type ArchiveBody = z.infer<typeof archiveBody>

/** Several files and directories as one zip (`protocol/files.md` §7). */
export function archiveRoutes({ ground, access, reader, links }: ReadRouteDeps): Route[] {
  const answerOf = (request: Pick<RouteRequest<unknown, unknown, unknown>, 'tenant' | 'log' | 'method'>, zip: Zip) => {
    const headers = {
      'content-type': 'application/zip',
      'content-disposition': contentDisposition(`${zip.name}.zip`, 'attachment'),
      'content-security-policy': contentPolicy('application/zip'),
      'cache-control': 'private, no-store',
    }
    // Its length is not known before it is written.
    if (request.method === 'HEAD') return bytes(Readable.from([]), headers)
    return bytes(zipOf({ blobs: ground.blobs, reader }, request.tenant, zip, request.log), headers)
  }

  async function entriesOf(tenant: Tenant, { files = [], ids = [] }: ArchiveBody['data']['attributes']) {
    const entries = new Map<string, Entry>()
    for (const path of new Set(files)) {
      const entry = await reader.mustByPath(tenant, path)
      entries.set(entry._id, entry)
    }
    const others = ids.filter(id => !entries.has(id))
    if (others.some(cannotBe)) throw noSuchEntry()
    for (const document of await ground.documents.of(tenant).getMany(FILES, [...new Set(others)])) {
      if (!document || document.deleted) throw noSuchEntry()
      entries.set(document.id, toEntry(document))
    }
    return [...entries.values()]
  }

  return [
    route<unknown, unknown, ArchiveBody>({
      method: 'POST',
      path: '/files/archive',
      summary: 'Makes a link to a zip of files and directories; the zip itself with Accept: application/zip',
      family: 'json-api',
      permission: { inside: 'GET on each entry' },
      body: { json: archiveBody },
      async handle(request): Promise<Answer> {
        access.assertSome(request, 'GET')
        const { tenant, body, headers } = request
        const { attributes } = body.data
        const name = attributes.name || STANDARD_NAME
        if (Buffer.byteLength(name) > LONGEST_NAME) throw badRequest(`The name is longer than ${LONGEST_NAME} bytes`)
        if (name.includes('/')) throw badRequest('The archive filename can not contain a /')
        if (attributes.pages?.length) {
          throw new JsonApiError(501, 'Not Implemented', 'this server does not take single pages out of PDF files', {
            pointer: '/data/attributes/pages',
          })
        }
        const entries = await entriesOf(tenant, attributes)
        if (entries.length === 0) throw badRequest("Can't create an archive with no files")
        for (const entry of entries) await access.assertMay(request, 'GET', entry)
        if (/\bapplication\/zip\b/.test(headers.accept ?? '')) return answerOf(request, { name, entries })
        const secret = await links.create(tenant.id, {
          kind: 'archive',
          name: name.toWellFormed(),
          ids: entries.map(({ _id }) => _id),
        })
        const related = `/files/archive/${secret}/${encodeURIComponent(name.toWellFormed())}.zip`
        return jsonApi({
          data: { type: 'io.cozy.files.archives', id: secret, attributes: { name }, meta: {}, links: {} },
          links: { related },
        })
      },
    }),
    route<{ secret: string; name: string }>({
      method: 'GET',
      path: '/files/archive/:secret/:name',
      summary: 'The zip behind a link made by POST /files/archive',
      family: 'json-api',
      permission: { public: 'the secret in the link was given to who may read the files, and dies after ten minutes' },
      async handle(request) {
        const { tenant, params } = request
        const target = await links.find(tenant.id, params.secret)
        if (target?.kind !== 'archive') throw wrongToken()
        const found = await ground.documents.of(tenant).getMany(FILES, target.ids)
        // Destroyed since: the others are still wanted.
        const entries = found.flatMap(document => (document && !document.deleted ? [toEntry(document)] : []))
        return answerOf(request, { name: target.name, entries })
      },
    }),
  ]
}

interface Zip {
  name: string
  entries: Entry[]
}
