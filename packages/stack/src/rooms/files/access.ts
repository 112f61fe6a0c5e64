import { onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import type { Actor, Grant, Verb } from '#ground/http/grant'
import type { RouteRequest } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { rulesAbout } from '#rooms/permissions'
import { ancestorsOf } from './read/tree-store.ts'
import type { DirectoryRecord, Entry, FileRecord } from './record.ts'
import { FILES, ROOT_ID } from './record.ts'

/** What a permission is asked for: a stored entry, or one that is about to be created (then `_id` may be absent). */
export type Target = (
  | Pick<FileRecord, 'type' | 'name' | 'dir_id' | 'tags' | 'referenced_by' | 'mime' | 'class'>
  | Pick<DirectoryRecord, 'type' | 'name' | 'dir_id' | 'tags' | 'referenced_by'>
) & { _id?: string | undefined }

/** What a rule may look at on a directory above; `_id` and these fields suffice. */
export type Ancestor = Pick<DirectoryRecord, 'type' | 'name' | 'dir_id' | 'tags' | 'referenced_by'> & { _id: string }

export interface Access {
  /**
   * Whether a rule allows a verb on a file or directory (`protocol/permissions.md` §5).
   * @param ancestors directories above, in any order, when the caller has them; otherwise read, and only when needed
   */
  may(tenant: Tenant, actor: Actor, verb: Verb, target: Target, ancestors?: Ancestor[]): Promise<boolean>
  /**
   * Throws the 403 when no rule of the actor is about files and one of the verbs. Asked before looking anything up, so that who may
   * see nothing does not learn what is there. Does not stand for `assertMay`.
   */
  assertSome(request: AccessRequest, ...verbs: [Verb, ...Verb[]]): void
  /** As `may` for the actor of a request, throwing the 403; counts as having asked. */
  assertMay(request: AccessRequest, verb: Verb, target: Target, ancestors?: Ancestor[]): Promise<void>
}

/** What of a route's request is needed. */
export type AccessRequest = Pick<RouteRequest<unknown, unknown, unknown>, 'tenant' | 'actor' | 'allow'>

/** Permissions on the tree, on top of what the grant says of documents. */
export function createAccess({ database }: { database: Pick<Ground['database'], 'driver'> }): Access {
  const run = onPool(database.driver)
  async function may(tenant: Tenant, actor: Actor, verb: Verb, target: Target, ancestors?: Ancestor[]) {
    const { grant } = actor
    if (mayWithoutAncestors(grant, verb, target)) return true
    // A target right below the root, and the root itself, have nothing more above.
    if (!ancestors && (target.dir_id === '' || target._id === ROOT_ID)) return false
    const above = ancestors ?? (await ancestorsOf(run, tenant.id, target.dir_id))
    // Every rule on every ancestor: a selector that does not fit one of them says nothing of the others.
    return above.some(
      ancestor => grant.allowsId(verb, FILES, ancestor._id) || selects(grant, verb, ancestorValues(ancestor)),
    )
  }
  return {
    may,
    assertSome({ actor: { grant }, allow }, ...verbs) {
      const has = (verb: Verb) => grant.allowsWholeType(verb, FILES) || rulesAbout(grant, verb, FILES).length > 0
      if (!verbs.some(has)) allow.check(false)
    },
    async assertMay({ tenant, actor, allow }, verb, target, ancestors) {
      allow.check(await may(tenant, actor, verb, target, ancestors))
    },
  }
}

/** All that can be said without looking further up: a rule on everything, on the item, its parent, the root, or its own fields. */
function mayWithoutAncestors(grant: Grant, verb: Verb, target: Target): boolean {
  if (grant.allowsWholeType(verb, FILES)) return true
  const ids = [target._id, target.dir_id, ROOT_ID]
  if (ids.some(id => id && grant.allowsId(verb, FILES, id))) return true
  return selects(grant, verb, ownValues(target))
}

/** A selector and one value of it. */
type Value = [selector: string, value: string]

/** The grant is asked value by value: it compares texts, and a tag or a reference is one of several. */
function selects(grant: Grant, verb: Verb, values: Value[]): boolean {
  return values.some(([selector, value]) => grant.allowsOnFields(verb, FILES, { [selector]: value }, [selector]))
}

function ownValues(target: Target): Value[] {
  const values = commonValues(target)
  if (target.type === 'directory') return [...values, ...directoryReferences(target)]
  const references = (target.referenced_by ?? []).flatMap(({ type, id }): Value[] => [
    ['referenced_by', id],
    ['referenced_by', `${type}/${id}`],
  ])
  return [...values, ['mime', target.mime], ['class', target.class], ...references]
}

const ancestorValues = (ancestor: Ancestor): Value[] => [...commonValues(ancestor), ...directoryReferences(ancestor)]

function commonValues({ type, name, tags = [] }: Pick<Entry, 'type' | 'name' | 'tags'>): Value[] {
  return [['type', type], ['name', name], ...tags.map((tag): Value => ['tags', tag])]
}

/** On a directory only the id of a reference counts, without its type. */
function directoryReferences({ referenced_by = [] }: Pick<DirectoryRecord, 'referenced_by'>): Value[] {
  return referenced_by.map(({ id }): Value => ['referenced_by', id])
}
