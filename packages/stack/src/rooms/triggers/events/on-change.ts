import { LRUCache } from 'lru-cache'
import type { Change, DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { JOBS } from '#rooms/jobs'
import type { Fire } from '../fire.ts'
import { readEventRules, writeSkip } from '../store.ts'
import { TRIGGERS } from '../trigger.ts'
import { isUnfinishedUpload, liesBelow } from './file-tree.ts'
import { type DocumentEvent, type EventRule, matches, parseEventRule } from './rules.ts'

/** Who listens to what, in an instance. */
interface Listening {
  byDoctype: Map<string, { triggerId: string; rules: EventRule[] }[]>
  triggerIds: Set<string>
}

/** Instances remembered. Most listen to nothing: some hundred bytes each. */
const REMEMBERED = 20_000

/**
 * Starts `@event` triggers, in the transaction of the change. Who listens is read once for an instance, at its first change,
 * and forgotten when its triggers change: afterwards a change nobody listens to costs a look into a map.
 */
export function listenToChanges({
  documents,
  news,
  fire,
  clock,
}: Pick<Ground, 'documents' | 'news' | 'clock'> & { fire: Fire }): { forget(tenantId: string): void; end(): void } {
  const known = new LRUCache<string, Listening>({ max: REMEMBERED })
  /** Of the last forgetting: what was read before it must not be kept after it. */
  let generation = 0

  async function listening(writer: DocumentTransaction): Promise<Listening> {
    const remembered = known.get(writer.tenant.id)
    if (remembered) return remembered
    const asked = generation
    const rows = await readEventRules(writer.query, writer.tenant.id)
    const byDoctype: Listening['byDoctype'] = new Map()
    for (const { triggerId, doctype, rules } of rows) {
      const parsed = rules.map(parseEventRule).filter(rule => rule !== undefined)
      byDoctype.set(doctype, [...(byDoctype.get(doctype) ?? []), { triggerId, rules: parsed }])
    }
    const found = { byDoctype, triggerIds: new Set(rows.map(({ triggerId }) => triggerId)) }
    if (asked === generation) known.set(writer.tenant.id, found)
    return found
  }

  async function tell(change: Change, writer: DocumentTransaction): Promise<void> {
    const { byDoctype, triggerIds } = await listening(writer)
    const listeners = byDoctype.get(change.document.doctype) ?? []
    // What an event started is no event: two triggers on jobs would start each other for ever.
    if (change.document.doctype === JOBS && triggerIds.has(String(change.document.body.trigger_id))) return
    const event = eventOf(change)
    if (listeners.length === 0 || isUnfinishedUpload(event, change.document.rev)) return
    for (const { triggerId, rules } of listeners) {
      if (!(await anyMatches(rules, event, writer))) continue
      const trigger = await writer.get(TRIGGERS, triggerId)
      if (!trigger || trigger.deleted) continue
      const fired = await fire.soon(writer, trigger, { event: toldEvent(change) })
      if ('skipped' in fired)
        await writeSkip(writer.query, writer.tenant.id, triggerId, { at: clock.now(), reason: fired.skipped })
    }
  }

  documents.onChange(
    async (changes, writer) => {
      for (const change of changes) await tell(change, writer)
    },
    ({ id }, doctype) => {
      const remembered = known.get(id)
      return remembered === undefined || remembered.byDoctype.has(doctype)
    },
  )

  const forget = (tenantId: string): void => {
    generation++
    known.delete(tenantId)
  }
  const end = news.subscribe(
    ({ tenant, doctype, elsewhere }) => {
      if (doctype === TRIGGERS && elsewhere) forget(tenant.id)
    },
    {
      wants: (_tenantId, doctype) => doctype === TRIGGERS,
      missed() {
        generation++
        known.clear()
      },
    },
  )
  return { forget, end }
}

function eventOf({ verb, document, before }: Change): DocumentEvent {
  const { doctype, id } = document
  return { doctype, verb, id, now: document.deleted ? undefined : document.body, before: before?.body }
}

async function anyMatches(rules: EventRule[], event: DocumentEvent, writer: DocumentTransaction): Promise<boolean> {
  for (const rule of rules)
    if (await matches(rule, event, directories => liesBelow(writer, event, directories))) return true
  return false
}

/** As the worker gets it (`protocol/jobs.md` §4). */
function toldEvent({ tenant, verb, document, before }: Change & { tenant: Tenant }): object {
  const { id, rev } = document
  const shown = verb === 'DELETED' ? before?.body : document.body
  return {
    domain: tenant.domain,
    verb,
    doc: { ...shown, _id: id, _rev: rev, ...(verb === 'DELETED' && { _deleted: true }) },
    ...(before && { old: { ...before.body, _id: id, _rev: before.rev } }),
  }
}
