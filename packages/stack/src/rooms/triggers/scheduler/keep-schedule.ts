import type { Change, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { INSTANCE_SETTINGS_ID, type Instance, type Instances, SETTINGS } from '#rooms/instances'
import { parseEventRules } from '../events/rules.ts'
import { firstRun, scheduleOf } from '../schedule/schedule.ts'
import { isZone } from '../schedule/zone.ts'
import { allTriggers, dropSchedule, writeEventRules, writeSlot } from '../store.ts'
import { TRIGGERS, triggerRecord } from '../trigger.ts'

export interface KeepScheduleDeps extends Pick<Ground, 'documents' | 'clock'> {
  instances: Pick<Instances, 'byId' | 'archive'>
  /** Who listens to events changed. */
  forget(tenantId: string): void
  wake(): void
}

/**
 * Keeps the tables of this room in step with the documents of triggers, in the transaction of their change, whoever makes it:
 * the next run is always written, and shown.
 */
export function keepSchedule({ documents, clock, instances, forget, wake }: KeepScheduleDeps): void {
  async function zoneOf(tenant: Tenant): Promise<string> {
    if ('tz' in tenant && typeof tenant.tz === 'string') return tenant.tz
    return (await instances.byId(tenant.id))?.tz ?? 'UTC'
  }

  async function schedule(writer: DocumentTransaction, trigger: StoredDocument, zone: string): Promise<void> {
    const parsed = scheduleOf(triggerRecord(trigger), trigger.id)
    const first = parsed && firstRun(parsed, zone, clock.now().getTime())
    if (first === undefined) await dropSchedule(writer.query, writer.tenant.id, trigger.id, 'slot')
    else await writeSlot(writer.query, writer.tenant.id, trigger.id, new Date(first))
  }

  async function listen(writer: DocumentTransaction, trigger: StoredDocument): Promise<void> {
    const { type, arguments: text } = triggerRecord(trigger)
    const words = type === '@event' && parseEventRules(text) ? text.split(/\s+/).filter(word => word !== '') : []
    const rules = Map.groupBy(words, word => word.split(':', 1)[0]!)
    await writeEventRules(writer.query, writer.tenant.id, trigger.id, rules)
    // Before the commit for this transaction, after it for those that read in between.
    forget(writer.tenant.id)
    writer.afterCommit(() => forget(writer.tenant.id))
  }

  async function follow({ document, before }: Change, writer: DocumentTransaction): Promise<void> {
    const isEvent = [document, before].some(trigger => trigger?.body.type === '@event')
    if (document.deleted) {
      await dropSchedule(writer.query, writer.tenant.id, document.id)
      if (isEvent) await listen(writer, document)
      return
    }
    if (before && saysTheSame(document, before)) return
    if (isEvent) await listen(writer, document)
    await schedule(writer, document, await zoneOf(writer.tenant))
    writer.afterCommit(wake)
  }

  documents.onChange(
    async (changes, writer) => {
      for (const change of changes) await follow(change, writer)
    },
    (_tenant, doctype) => doctype === TRIGGERS,
  )

  /** In another zone the same wall times are other instants. */
  documents.onChange(
    async (changes, writer) => {
      for (const { document, before } of changes) {
        const { tz } = document.body
        if (document.id !== INSTANCE_SETTINGS_ID || typeof tz !== 'string' || before?.body.tz === tz || !isZone(tz))
          continue
        for (const trigger of await allTriggers(writer.query, writer.tenant.id)) {
          const parsed = scheduleOf(triggerRecord(trigger), trigger.id)
          if (parsed?.kind === 'wall' && parsed.zone === undefined) await schedule(writer, trigger, tz)
        }
        writer.afterCommit(wake)
      }
    },
    (_tenant, doctype) => doctype === SETTINGS,
  )

  instances.archive.portable.ephemeral('trigger_schedule')
  instances.archive.portable.ephemeral('trigger_events')
  instances.archive.onImported((instance: Instance) =>
    documents.transaction(instance, async writer => {
      for (const trigger of await allTriggers(writer.query, instance.id)) {
        if (trigger.body.type === '@event') await listen(writer, trigger)
        await schedule(writer, trigger, instance.tz)
      }
      writer.afterCommit(wake)
    }),
  )
}

const saysTheSame = (one: StoredDocument, other: StoredDocument): boolean =>
  one.body.type === other.body.type && one.body.arguments === other.body.arguments
