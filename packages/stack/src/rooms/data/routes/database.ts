import { onPool } from '#ground/documents/sql'
import { json } from '#ground/http/answer'
import { CouchError } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { assertReadable, assertWritable } from '../doctypes.ts'
import { sequenceOf } from '../listing.ts'
import { meanSize } from '../listing-store.ts'
import { noDatabase, raw } from '../raw.ts'
import type { Room } from '../room.ts'

type Whole = { doctype: string }

/** A doctype as CouchDB's clients know it, a database (`protocol/data.md` §6). */
export function databaseRoutes({ documents, database, designs, writing }: Room): Route[] {
  const run = onPool(database.driver)
  return [
    route<Whole>({
      method: 'GET',
      path: '/data/:doctype',
      summary: 'Counts and position of a doctype',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      async handle({ tenant, allow, params: { doctype } }) {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        const [feed, designDocs, mean] = await Promise.all([
          documents.of(tenant).feed(doctype),
          designs(tenant, doctype),
          meanSize(run, tenant.id, doctype),
        ])
        if (!feed) throw noDatabase()
        const size = Math.round(mean * (feed.documents + feed.tombstones))
        return json({
          db_name: doctype,
          doc_count: feed.documents + designDocs.length,
          doc_del_count: feed.tombstones,
          update_seq: sequenceOf(feed, feed.seq),
          purge_seq: 0,
          compact_running: false,
          disk_format_version: 8,
          instance_start_time: '0',
          // Estimated from a few documents.
          sizes: { file: size, external: size, active: size },
          props: {},
        })
      },
    }),
    route<Whole>({
      method: 'PUT',
      path: '/data/:doctype',
      summary: 'Creates the database of a doctype',
      family: 'data',
      permission: { inside: 'POST on the whole doctype' },
      async handle({ tenant, allow, params: { doctype } }) {
        assertWritable(doctype)
        allow.whole('POST', doctype)
        if (!(await documents.createFeed(tenant, doctype)))
          throw new CouchError(412, 'file_exists', 'The database could not be created, the file already exists.')
        return json({ ok: true }, 201)
      },
    }),
    route<Whole>({
      method: 'DELETE',
      path: '/data/:doctype',
      summary: 'Drops the database of a doctype with all its documents',
      family: 'data',
      permission: { inside: 'DELETE on the whole doctype' },
      async handle({ tenant, allow, params: { doctype } }) {
        assertWritable(doctype)
        allow.whole('DELETE', doctype)
        if (!(await writing.drop(tenant, doctype))) throw noDatabase()
        return json({ ok: true, deleted: true })
      },
    }),
    route<Whole>({
      method: 'POST',
      path: '/data/:doctype/_ensure_full_commit',
      summary: 'Says that all is on disk, which it always is',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      handle: raw(async ({ tenant, allow, params: { doctype } }) => {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        if (!(await documents.of(tenant).feed(doctype))) throw noDatabase()
        return json({ ok: true, instance_start_time: '0' }, 201)
      }),
    }),
  ]
}
