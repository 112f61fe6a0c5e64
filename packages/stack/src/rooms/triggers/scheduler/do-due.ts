import type { DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Instance, Instances } from '#rooms/instances'
import type { Fire } from '../fire.ts'
import { LATEST_MS, nextRun, runsOnce, scheduleOf } from '../schedule/schedule.ts'
import { type Due, dropSchedule, lockDue, writeSkip, writeSlot } from '../store.ts'
import { TRIGGERS, triggerRecord } from '../trigger.ts'

export interface DoDueDeps extends Pick<Ground, 'documents' | 'clock' | 'log' | 'database'> {
  instances: Pick<Instances, 'byId'>
  fire: Fire
}

/** What is due once and cannot be done yet is looked at again after so long. */
const LATER_MS = 10 * 60_000

/**
 * Does what is due: one transaction makes the job and says when the next is, so that a slot has exactly one job, whoever dies
 * when. What was missed meanwhile is this one.
 */
export function createDoDue({ documents, clock, log, database, instances, fire }: DoDueDeps) {
  async function slot(
    writer: DocumentTransaction,
    instance: Instance,
    trigger: StoredDocument,
    due: Date,
  ): Promise<void> {
    const record = triggerRecord(trigger)
    const now = clock.now()
    const tell = (reason: string) => ({ at: now, reason })
    const schedule = scheduleOf(record, trigger.id)
    if (!schedule) return await writeSlot(writer.query, instance.id, trigger.id, null, tell('Trigger unparsable'))
    const next = nextRun(schedule, instance.tz, due.getTime(), now.getTime())
    const nextDue = next === undefined ? null : new Date(next)

    if (record.type === '@at' && now.getTime() - due.getTime() > LATEST_MS)
      return await writeSlot(writer.query, instance.id, trigger.id, null, tell('it was due more than a day ago'))
    if (instance.blocked !== undefined)
      return await writeSlot(
        writer.query,
        instance.id,
        trigger.id,
        nextDue ?? new Date(now.getTime() + LATER_MS),
        tell('the instance is blocked'),
      )
    const fired = await fire.soon(writer, trigger, {})
    if ('skipped' in fired) return await writeSlot(writer.query, instance.id, trigger.id, nextDue, tell(fired.skipped))
    // Once is once: upstream keeps such triggers, and may do them again after a restart. A debounce still needs its trigger.
    if (runsOnce(record) && 'job' in fired) await writer.remove(TRIGGERS, trigger.id, trigger.rev)
    else await writeSlot(writer.query, instance.id, trigger.id, nextDue)
  }

  async function debounce(writer: DocumentTransaction, trigger: StoredDocument, held: object): Promise<void> {
    const { tenant, query } = writer
    await dropSchedule(query, tenant.id, trigger.id, 'debounce')
    const fired = await fire.held(writer, trigger, held)
    if ('skipped' in fired) await writeSkip(query, tenant.id, trigger.id, { at: clock.now(), reason: fired.skipped })
    else if (runsOnce(triggerRecord(trigger))) await writer.remove(TRIGGERS, trigger.id, trigger.rev)
  }

  return async (due: Due): Promise<void> => {
    const instance = await instances.byId(due.instanceId)
    if (!instance) {
      // It is being destroyed, its rows go too.
      log.debug('a trigger of an instance that is gone was due', { trigger: due.triggerId })
      return await dropSchedule(database.query, due.instanceId, due.triggerId)
    }
    await documents.transaction(instance, async writer => {
      const locked = await lockDue(writer.query, due)
      // Somebody else has done it, or it was moved.
      if (!locked || locked.due.getTime() !== due.due.getTime()) return
      const trigger = await writer.get(TRIGGERS, due.triggerId)
      if (!trigger || trigger.deleted) return await dropSchedule(writer.query, instance.id, due.triggerId)
      if (due.kind === 'slot') await slot(writer, instance, trigger, locked.due)
      else await debounce(writer, trigger, locked.held)
    })
  }
}
