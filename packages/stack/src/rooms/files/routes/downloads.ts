import { jsonApi } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { presentEntry, presentVersion } from '../present.ts'
import { parameter, type Query } from '../read/page-query.ts'
import { noSuchEntry } from '../read/reader.ts'
import { wrongToken } from '../read/wrong-token.ts'
import type { ReadRouteDeps } from './deps.ts'
import { assertFile, createDownloads } from './download.ts'

/** Links that open a content without a token, for ten minutes (`protocol/files.md` §7). */
export function secretDownloadRoutes(deps: ReadRouteDeps): Route[] {
  const { access, links, reader } = deps
  const downloads = createDownloads(deps)
  return [
    route<unknown, Query>({
      method: 'POST',
      path: '/files/downloads',
      summary: 'Makes a link to download a file, or an old content of it, without a token',
      family: 'json-api',
      permission: { inside: 'GET on the file' },
      async handle(request) {
        access.assertSome(request, 'GET')
        const { tenant, query } = request
        const [id, path] = [parameter(query, 'Id'), parameter(query, 'Path')]
        const versionId = parameter(query, 'VersionId')
        // `<file id>/<n>`: it names the file too.
        const ofVersion = versionId?.slice(0, versionId.lastIndexOf('/'))
        const fileId = versionId === undefined ? id : ofVersion
        if (fileId === undefined && path === undefined) throw badRequest('one of Path, Id and VersionId is needed')
        const entry =
          fileId !== undefined ? await reader.mustById(tenant, fileId) : await reader.mustByPath(tenant, path ?? '')
        await access.assertMay(request, 'GET', entry)
        assertFile(entry)
        const filename = wantedName(query) ?? entry.name
        const version =
          versionId && (await reader.mustVersion(tenant, entry, versionId.slice(versionId.lastIndexOf('/') + 1)))
        const secret = await links.create(
          tenant.id,
          version
            ? { kind: 'version', id: entry._id, version: version._id.slice(entry._id.length + 1), filename }
            : { kind: 'file', id: entry._id, filename },
        )
        const data = version
          ? presentVersion(version)
          : presentEntry(entry, { sign: await reader.secrets.signer(tenant) })
        return jsonApi({
          data,
          links: { related: `/files/downloads/${secret}/${encodeURIComponent(filename.toWellFormed())}` },
        })
      },
    }),
    route<{ secret: string; name: string }, Query>({
      method: 'GET',
      path: '/files/downloads/:secret/:name',
      summary: 'The content behind a link made by POST /files/downloads',
      family: 'json-api',
      permission: { public: 'the secret in the link was given to who may read the file, and dies after ten minutes' },
      async handle(request) {
        const { tenant, params } = request
        const target = await links.find(tenant.id, params.secret)
        if (!target || target.kind === 'archive') throw wrongToken()
        const entry = await reader.byId(tenant, target.id)
        if (!entry) throw noSuchEntry()
        assertFile(entry)
        if (target.kind === 'file') return downloads.file(request, entry, target.filename)
        const version = await reader.mustVersion(tenant, entry, target.version)
        return downloads.version(request, entry, version, target.filename)
      },
    }),
  ]
}

/** `Filename`. cozy-client encodes it before it encodes the query, so what still reads as encoded is decoded once more. */
function wantedName(query: Query): string | undefined {
  return decoded(parameter(query, 'Filename'))?.replace(/\p{Cc}/gu, '_')
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text)
  } catch {
    // A name with a percent sign of its own.
    return text
  }
}
