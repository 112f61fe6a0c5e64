import type { DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { missing } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { freshMetadata } from './metadata.ts'
import { readRules } from './read-rules.ts'
import { type PermissionRecord, sourceIdOf } from './record.ts'
import type { PermissionSet, Rule } from './rules.ts'
import { createRecord, findRecord, removeRecord, updateRecord } from './store.ts'
import { changing } from './transactions.ts'

/** What is installed: the owner of a permission document. */
export interface Source {
  type: 'app' | 'konnector'
  slug: string
}

/**
 * Permission documents of apps and konnectors (`protocol/konnectors-api.md` §4, §6). `open` joins the caller's transaction,
 * so that the document of a konnector and that of its permissions come and go together.
 */
export interface Sources {
  /** The document of `io.cozy.apps/<slug>` or `io.cozy.konnectors/<slug>`. */
  ofSource(tenant: Tenant, sourceId: string): Promise<PermissionRecord | undefined>
  /**
   * At installation, with the manifest's `permissions`.
   * @throws HttpError 400, 403 for rules that cannot be read; CouchError 409 when the document is there
   */
  create(tenant: Tenant, source: Source, permissions: unknown, open?: DocumentTransaction): Promise<PermissionRecord>
  /**
   * At an update: the new manifest's rules, then those that were added since the installation. When both have a title, the
   * added rule gets a number. Creates a document that is not there. Throws as `create`, but no 409.
   */
  replace(tenant: Tenant, source: Source, permissions: unknown, open?: DocumentTransaction): Promise<PermissionRecord>
  /**
   * Adds rules on the server's own account, as that for the folders of a konnector: no caller has to cover them. A rule with
   * a title that is there takes its place.
   * @throws CouchError 404 when there is no document
   */
  addRules(tenant: Tenant, source: Source, rules: PermissionSet, open?: DocumentTransaction): Promise<PermissionRecord>
  /** At uninstallation; no error when there is none. */
  remove(tenant: Tenant, source: Source, open?: DocumentTransaction): Promise<void>
}

export function createSources({ documents, clock }: Pick<Ground, 'documents' | 'clock'>): Sources {
  const create: Sources['create'] = (tenant, source, permissions, open) => {
    const rules = readRules(permissions)
    const id = sourceIdOf(source.type, source.slug)
    const cozyMetadata = freshMetadata(tenant, clock.now(), undefined)
    const record = { type: source.type, sourceId: id, rules, added: [], codes: {}, shortcodes: {}, cozyMetadata }
    return createRecord(open ?? documents.of(tenant), record, id)
  }

  return {
    ofSource: (tenant, sourceId) => findRecord(documents.of(tenant), sourceId),
    create,

    replace(tenant, source, permissions, open) {
      const rules = readRules(permissions)
      return changing(documents, tenant, open, async writer => {
        const record = await findRecord(writer, sourceIdOf(source.type, source.slug))
        if (!record) return create(tenant, source, permissions, writer)
        const kept = untaken(
          rules,
          record.rules.filter(({ title }) => record.added.includes(title ?? '')),
        )
        return updateRecord(writer, {
          ...record,
          rules: [...rules, ...kept],
          added: kept.map(({ title }) => title ?? ''),
        })
      })
    },

    addRules: (tenant, source, rules, open) =>
      changing(documents, tenant, open, async writer => {
        const record = await findRecord(writer, sourceIdOf(source.type, source.slug))
        if (!record) throw missing()
        return updateRecord(writer, rules.reduce(withRule, record))
      }),

    remove: (tenant, source, open) =>
      changing(documents, tenant, open, async writer => {
        const record = await findRecord(writer, sourceIdOf(source.type, source.slug))
        if (record) await removeRecord(writer, record)
      }),
  }
}

/** A record with one more rule, which takes the place of one with its title. It counts as added. */
export function withRule(record: PermissionRecord, rule: Rule): PermissionRecord {
  const { title = '' } = rule
  const there = record.rules.some(known => known.title === title)
  return {
    ...record,
    rules: there ? record.rules.map(known => (known.title === title ? rule : known)) : [...record.rules, rule],
    added: [...record.added.filter(known => known !== title), title],
  }
}

/** A record without the rule of a title. */
export const withoutRule = (record: PermissionRecord, title: string): PermissionRecord => ({
  ...record,
  rules: record.rules.filter(known => known.title !== title),
  added: record.added.filter(known => known !== title),
})

/** Rules under titles that are not those of others. */
function untaken(others: PermissionSet, rules: PermissionSet): Rule[] {
  const taken = new Set([...others, ...rules].map(({ title }) => title))
  const ofOthers = new Set(others.map(({ title }) => title))
  return rules.map(rule => {
    if (!ofOthers.has(rule.title)) return rule
    let number = 2
    while (taken.has(`${rule.title} ${number}`)) number++
    const title = `${rule.title} ${number}`
    taken.add(title)
    return { ...rule, title }
  })
}
