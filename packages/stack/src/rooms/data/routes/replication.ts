import type { Body } from '#ground/documents/contract'
import { isLocalId, readLocal, writeLocal } from '#ground/documents/local-docs'
import { readBranches } from '#ground/documents/replicate-sql'
import { missingIn } from '#ground/documents/revision-tree'
import { onPool } from '#ground/documents/sql'
import { json, jsonText } from '#ground/http/answer'
import { CouchError, conflict, missing } from '#ground/http/errors'
import { type Allow, type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { bulkReplicate, bulkWrite } from '../bulk.ts'
import { assertReadable, assertWritable } from '../doctypes.ts'
import { jsonObject, readDocument } from '../given-document.ts'
import { flag, type Query } from '../parameters.ts'
import { noDatabase, raw } from '../raw.ts'
import { bulkGetRows, readDocs, readRevisionLists, readWanted } from '../replication.ts'
import type { Room } from '../room.ts'
import { streamedRows } from '../streamed.ts'

type Whole = { doctype: string }
type Local = { doctype: string; docid: string }

/** A checkpoint has a few kilobytes; it may be written by who can only read. */
const LOCAL_LIMIT = 256 * 1024

/** What replicators use besides `_changes` (`protocol/data.md` §6). */
export function replicationRoutes({ documents, database, writing }: Room): Route[] {
  const run = onPool(database.driver)

  const mayRead = async (tenant: Tenant, allow: Allow, doctype: string): Promise<void> => {
    assertReadable(doctype)
    allow.whole('GET', doctype)
    if (!(await documents.of(tenant).feed(doctype))) throw noDatabase()
  }

  return [
    route<Whole, Query, Body>({
      method: 'POST',
      path: '/data/:doctype/_bulk_get',
      summary: 'Reads documents by id and revision',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      body: { json: jsonObject },
      handle: raw(async ({ tenant, allow, params: { doctype }, query, body }) => {
        await mayRead(tenant, allow, doctype)
        const options = { revs: flag(query, 'revs') ?? false, latest: flag(query, 'latest') ?? false }
        return streamedRows('{"results":[', bulkGetRows(run, tenant.id, doctype, readWanted(body), options), ']}')
      }),
    }),
    route<Whole, Query, Body>({
      method: 'POST',
      path: '/data/:doctype/_bulk_docs',
      summary: 'Writes documents, each by itself',
      family: 'data',
      permission: { inside: 'POST on the whole doctype' },
      body: { json: jsonObject },
      async handle({ tenant, actor, allow, params: { doctype }, body }) {
        assertWritable(doctype)
        allow.whole('POST', doctype)
        const docs = readDocs(body)
        const { new_edits: newEdits = true } = body
        if (typeof newEdits !== 'boolean') throw new CouchError(400, 'bad_request', '`new_edits` must be true or false')
        const by = { tenant, actor, doctype }
        if (docs.length === 0) await documents.createFeed(tenant, doctype)
        return json(await (newEdits ? bulkWrite(writing, by, docs) : bulkReplicate(writing, by, docs)), 201)
      },
    }),
    route<Whole, Query, Body>({
      method: 'POST',
      path: '/data/:doctype/_revs_diff',
      summary: 'Tells which revisions are not known',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      body: { json: jsonObject },
      handle: raw(async ({ tenant, allow, params: { doctype }, body }) => {
        await mayRead(tenant, allow, doctype)
        const asked = readRevisionLists(body)
        const ids = [...asked.keys()].filter(id => !id.includes('\0'))
        const trees = await readBranches(run, tenant.id, doctype, ids)
        const lacking = [...asked].flatMap(([id, revs]) => {
          const missingOnes = missingIn(trees.get(id) ?? [], revs)
          return missingOnes ? [[id, missingOnes] as const] : []
        })
        return json(Object.fromEntries(lacking))
      }),
    }),
    route<Local>({
      method: 'GET',
      path: '/data/:doctype/_local/:docid',
      summary: 'Reads a checkpoint of a replication',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      handle: raw(async ({ tenant, allow, params: { doctype, docid } }) => {
        await mayRead(tenant, allow, doctype)
        const local = isLocalId(docid) ? await readLocal(run, tenant.id, doctype, docid) : undefined
        if (!local) throw missing()
        const head = `{"_id":${JSON.stringify(`_local/${docid}`)},"_rev":"${local.rev}"`
        return jsonText(local.text === '{}' ? `${head}}` : `${head},${local.text.slice(1)}`)
      }),
    }),
    route<Local, Query, Body>({
      method: 'PUT',
      path: '/data/:doctype/_local/:docid',
      summary: 'Writes a checkpoint of a replication',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      body: { json: jsonObject },
      bodyLimit: LOCAL_LIMIT,
      handle: raw(async ({ tenant, allow, params: { doctype, docid }, body }) => {
        await mayRead(tenant, allow, doctype)
        if (!isLocalId(docid)) throw new CouchError(400, 'bad_id', 'Document id is not valid')
        const { rev, content } = readDocument(body, ['_id', '_rev', '_revisions'])
        const next = await writeLocal(run, tenant.id, doctype, docid, rev || undefined, content)
        if (!next) throw conflict()
        return json({ ok: true, id: `_local/${docid}`, rev: next }, 201)
      }),
    }),
  ]
}
