import type { Reference } from '@konnectory/protocol'
import type { DocumentTransaction } from '#ground/documents/contract'
import { inTransaction } from '#ground/documents/sql'
import { jsonApi, noContent } from '#ground/http/answer'
import { badRequest, forbidden } from '#ground/http/errors'
import type { Actor, Verb } from '#ground/http/grant'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { presentReferences } from '../present.ts'
import { changeReferences } from '../read/change-references.ts'
import type { Relation } from '../read/reference-store.ts'
import { ancestorsOf } from '../read/tree-store.ts'
import { VERBS, wouldWiden } from '../read/widening.ts'
import { type Entry, FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'
import { type ReferenceBody, referenceBody, referencesIn } from './reference-body.ts'

type EntryRequest = RouteRequest<{ id: string }, unknown, ReferenceBody>
type DocumentRequest = RouteRequest<{ doctype: string; docid: string }, unknown, ReferenceBody>

/** Who asks for a change, where. */
interface Asker {
  tenant: Tenant
  actor: Actor
}

/** Changing references, from the file (`protocol/files.md` §8) and from the document (`protocol/data.md` §7). */
export function referenceRoutes({ ground, access }: ReadRouteDeps): Route[] {
  /** Both checks look at the entry as it is in the transaction, with its connection. */
  async function mayChange(
    { tenant, actor }: Asker,
    entry: Entry,
    writer: DocumentTransaction,
    { verb, adding }: { verb: Verb | undefined; adding: Reference[] },
  ): Promise<boolean> {
    if (VERBS.every(each => actor.grant.allowsWholeType(each, FILES))) return true
    const above = await ancestorsOf(inTransaction(writer.query), tenant.id, entry.dir_id)
    if (verb && !(await access.may(tenant, actor, verb, entry, above))) return false
    return adding.length === 0 || !(await wouldWiden(access, { tenant, actor }, entry, adding, above))
  }

  /** `/files/:id/relationships/…`: the answer holds all references the entry then has. */
  const onEntry = (method: 'POST' | 'DELETE', relation: Relation): Route =>
    route<{ id: string }, unknown, ReferenceBody>({
      method,
      path: `/files/:id/relationships/${relation}`,
      summary: `${method === 'POST' ? 'Adds' : 'Removes'} references of a file or directory (${relation})`,
      family: 'json-api',
      permission: { inside: method === 'POST' ? 'PATCH on the entry' : 'DELETE on the entry' },
      body: { json: referenceBody },
      async handle(request: EntryRequest) {
        access.assertSome(request, method === 'POST' ? 'PATCH' : 'DELETE')
        const { tenant, actor, allow, params, body } = request
        const { id } = params
        const references = referencesIn(body)
        const change = method === 'POST' ? { add: references } : { remove: references }
        const [entry] = await changeReferences(
          ground.documents,
          tenant,
          [id],
          { relation, ...change },
          async ([found], writer) => {
            if (!found) return
            const verb = method === 'POST' ? 'PATCH' : 'DELETE'
            // What a directory is not synchronised on opens nothing: no rule goes by it.
            const adding = method === 'POST' && relation === 'referenced_by' ? references : []
            allow.check(await mayChange({ tenant, actor }, found, writer, { verb, adding }))
            assertDirectory(found, relation)
          },
        )
        const now = (entry as Partial<Record<Relation, Reference[]>>)[relation] ?? []
        return jsonApi(presentReferences(now, (entry as Entry)._rev))
      },
    })

  /** `/data/:doctype/:docid/relationships/…`: one document, many files. */
  const onDocument = (method: 'POST' | 'DELETE', name: string, relation: Relation): Route =>
    route<{ doctype: string; docid: string }, unknown, ReferenceBody>({
      method,
      path: `/data/:doctype/:docid/relationships/${name}`,
      summary: `${method === 'POST' ? 'Makes' : 'Stops'} files and directories ${method === 'POST' ? 'refer' : 'referring'} to a document (${relation})`,
      family: 'json-api',
      permission: { inside: `${method === 'POST' ? 'PUT' : 'DELETE'} on the document, or PATCH on all files` },
      body: { json: referenceBody },
      async handle({ tenant, actor, allow, params: { doctype, docid }, body }: DocumentRequest) {
        const grant = allow.maybe()
        const wholeFiles = grant.allowsWholeType('PATCH', FILES)
        allow.check(wholeFiles || grant.allowsId(method === 'POST' ? 'PUT' : 'DELETE', doctype, docid))
        const reference = referenceTo(doctype, docid)
        const adding = method === 'POST' && relation === 'referenced_by' ? [reference] : []
        // Old references have the id percent-encoded; whoever removes one means both.
        const change = method === 'POST' ? { add: [reference] } : { remove: [reference, legacyForm(reference)] }
        const ids = referencesIn(body).map(({ id }) => id)
        await changeReferences(ground.documents, tenant, ids, { relation, ...change }, async (entries, writer) => {
          for (const entry of entries) {
            assertDirectory(entry, relation)
            if (adding.length === 0) continue
            if (!(await mayChange({ tenant, actor }, entry, writer, { verb: undefined, adding }))) throw forbidden()
          }
        })
        return noContent()
      },
    })

  return [
    onEntry('POST', 'referenced_by'),
    onEntry('DELETE', 'referenced_by'),
    onEntry('POST', 'not_synchronized_on'),
    onEntry('DELETE', 'not_synchronized_on'),
    onDocument('POST', 'references', 'referenced_by'),
    onDocument('DELETE', 'references', 'referenced_by'),
    onDocument('POST', 'not_synchronizing', 'not_synchronized_on'),
    onDocument('DELETE', 'not_synchronizing', 'not_synchronized_on'),
  ]
}

function assertDirectory(entry: Entry, relation: Relation): void {
  if (relation === 'not_synchronized_on' && entry.type !== 'directory') {
    throw badRequest('only directories can be left out of synchronisation')
  }
}

/** A path has been longer than what an index takes. @throws JsonApiError 400 */
function referenceTo(type: string, id: string): Reference {
  const { success } = referenceBody.safeParse({ data: { type, id } })
  if (!success) throw badRequest('this doctype and id cannot be referred to')
  return { type, id }
}

/** The id as old clients stored it. */
export const legacyForm = ({ type, id }: Reference): Reference => ({ type, id: id.replaceAll('/', '%2F') })
