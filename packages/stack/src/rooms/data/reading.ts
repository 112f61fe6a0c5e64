import type { StoredDocument } from '#ground/documents/contract'
import { assertId } from '#ground/documents/index'
import { type Leaf, readLeaves } from '#ground/documents/replicate-sql'
import { passes } from '#ground/documents/revision-tree'
import { onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import { missing } from '#ground/http/errors'
import type { Actor, Verb } from '#ground/http/grant'
import type { Allow } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Behaviours } from './behaviours.ts'
import { documentText, type Extras, shownText } from './document-text.ts'
import { notFoundReason } from './errors.ts'

/** Who reads which document. */
export interface Read {
  tenant: Tenant
  actor: Actor
  allow: Allow
  doctype: string
  id: string
  query: Record<string, string>
}

/** What a reader wants beside the winner. */
export interface Wanted {
  /** `_revisions`, as a replicator needs them: then without `_type`, which no replicator takes. */
  revs?: boolean | undefined
  /** Losing living revisions in `_conflicts`. */
  conflicts?: boolean | undefined
}

export type Reading = ReturnType<typeof createReading>

/** Single documents, as a caller may see them. */
export function createReading({ documents, database }: Pick<Ground, 'documents' | 'database'>, behaviours: Behaviours) {
  const run = onPool(database.driver)

  const leavesOf = async ({ tenant, doctype, id }: Read): Promise<Leaf[]> =>
    (await readLeaves(run, tenant.id, doctype, [id])).get(id) ?? []

  /** The living document, after asking for the permission; the caller learns that there is none only when it may. */
  const living = async ({ tenant, allow, doctype, id }: Read, verb: Verb): Promise<StoredDocument> => {
    const reader = documents.of(tenant)
    const found = await reader.get(doctype, id)
    const document = found && !found.deleted ? found : undefined
    allowOn(allow, verb, doctype, id, document)
    if (!document) throw await notFoundReason(reader, doctype, found)
    return document
  }

  const show = async (
    { tenant, actor, doctype, query }: Read,
    document: StoredDocument,
    method: 'GET' | 'PUT' | 'POST',
    extras: Extras,
  ): Promise<string> => {
    const behaviour = behaviours.of(doctype)
    if (!behaviour?.show) return documentText(document, extras)
    return shownText(document, await behaviour.show({ tenant, actor, query, document, method }), extras)
  }

  const byRevision = async (read: Read, rev: string): Promise<StoredDocument> => {
    const { tenant, actor, doctype, id } = read
    const current = await documents.of(tenant).get(doctype, id)
    if (current?.rev === rev && !current.deleted) return current
    return (
      (await behaviours.of(doctype)?.readRevision?.({ tenant, actor, id, rev })) ??
      (await leavesOf(read)).find(({ document }) => document.rev === rev && !document.deleted)?.document ??
      current ??
      missingDocument(doctype, id)
    )
  }

  return {
    living,
    show,

    /** JSON text of the document. @throws CouchError 404, HttpError 403 */
    async get(read: Read, { revs, conflicts }: Wanted = {}): Promise<string> {
      assertId(read.id)
      const found = await living(read, 'GET')
      const document = (await behaviours.of(read.doctype)?.settle?.({ tenant: read.tenant, document: found })) ?? found
      if (!revs && !conflicts) return show(read, document, 'GET', { type: true })
      const tree = await leavesOf(read)
      const winner = tree.find(leaf => leaf.document.rev === document.rev)
      const losers = tree.filter(leaf => leaf !== winner && !leaf.deleted).map(leaf => leaf.document.rev)
      const members = {
        ...(revs && winner && { _revisions: revisionsOf(winner) }),
        ...(conflicts && losers.length > 0 && { _conflicts: losers }),
      }
      return show(read, document, 'GET', { type: !revs, members })
    },

    /** JSON text of a given revision, of doctypes that keep some. @throws CouchError 404, HttpError 403 */
    async getRevision(read: Read, rev: string): Promise<string> {
      assertId(read.id)
      const document = await byRevision(read, rev)
      allowOn(read.allow, 'GET', read.doctype, read.id, document.deleted ? undefined : document)
      if (document.rev !== rev) throw missing()
      return show(read, document, 'GET', { type: true })
    },

    /** Whether `?rev=` means something. */
    keepsRevisions: (doctype: string): boolean => behaviours.of(doctype)?.readRevision !== undefined,

    /**
     * JSON text of the ends of the tree, as replicators ask for them: the stored form, without `_type`.
     * @param wanted revisions, or `all`
     */
    async openRevisions(read: Read, wanted: 'all' | string[], { revs, latest }: { revs: boolean; latest: boolean }) {
      assertId(read.id)
      const { allow, doctype, id } = read
      const tree = await leavesOf(read)
      for (const { document } of tree) allowOn(allow, 'GET', doctype, id, document)
      if (tree.length === 0) {
        allowOn(allow, 'GET', doctype, id, undefined)
        throw await notFoundReason(documents.of(read.tenant), doctype, undefined)
      }
      const parts =
        wanted === 'all'
          ? tree.map(leaf => `{"ok":${leafText(leaf, revs)}}`)
          : wanted.flatMap(rev => {
              const found = leavesAt(tree, rev, latest)
              if (found.length === 0) return [`{"missing":${JSON.stringify(rev)}}`]
              return found.map(leaf => `{"ok":${leafText(leaf, revs)}}`)
            })
      return `[${parts.join(',')}]`
    },
  }
}

/** Asks for a permission on a document, or on an empty one where there is none; its content is only looked at when needed. */
export function allowOn(
  allow: Allow,
  verb: Verb,
  doctype: string,
  id: string | undefined,
  document: Pick<StoredDocument, 'body'> | undefined,
): void {
  if (allow.maybe().allowsWholeType(verb, doctype)) return
  allow.document(verb, doctype, id, document?.body ?? {})
}

/** The end with this revision; with `latest` else the ends that came of it. */
export function leavesAt(tree: Leaf[], rev: string, latest: boolean): Leaf[] {
  const exact = tree.filter(({ document }) => document.rev === rev)
  return exact.length > 0 || !latest ? exact : tree.filter(leaf => passes(leaf, rev))
}

/** A leaf as replicators take it. */
export const leafText = (leaf: Leaf, revs: boolean): string =>
  documentText(leaf.document, revs ? { members: { _revisions: revisionsOf(leaf) } } : {})

const revisionsOf = ({ generation, history }: Leaf) => ({ start: generation, ids: history })

function missingDocument(doctype: string, id: string): StoredDocument {
  return { doctype, id, rev: '', deleted: true, seq: 0, text: '{}', body: {} }
}
