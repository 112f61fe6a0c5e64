import type { Body, Documents, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { badRequest, invalidAttribute, notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { CLIENT, type JobOptions, type Jobs } from '#rooms/jobs'
import { parseEventRules } from './events/rules.ts'
import type { Fire } from './fire.ts'
import { parseGoDuration } from './schedule/duration.ts'
import { scheduleOf } from './schedule/schedule.ts'
import { JOBS_OF_STATE, stateOf, type TriggerState } from './state.ts'
import { allTriggers, readSchedules } from './store.ts'
import { isTriggerType, messageMember, ofAccounts, TRIGGERS, type TriggerRecord, triggerRecord } from './trigger.ts'

/** A trigger to be made. */
export interface NewTrigger {
  type: string
  worker: string
  arguments?: string | undefined
  message?: unknown
  debounce?: string | undefined
  options?: JobOptions | null | undefined
  /** Slug or name of who makes it. */
  createdByApp?: string | undefined
}

export interface TriggerPatch {
  message?: unknown
  arguments?: string | undefined
}

export interface ServiceDeps extends Pick<Ground, 'clock' | 'database'> {
  documents: Documents
  jobs: Pick<Jobs, 'ofTriggers'>
  fire: Fire
}

const UNPARSABLE = () => badRequest('Trigger unparsable')
const LONGEST_ARGUMENTS = 10_000
export const NO_TRIGGER = () => notThere('Trigger with specified ID does not exist')

/** Triggers of an instance. */
export function createTriggerService({ documents, clock, database, jobs, fire }: ServiceDeps) {
  const within = <T>(target: Tenant | DocumentTransaction, work: (writer: DocumentTransaction) => Promise<T>) =>
    'afterCommit' in target ? work(target) : documents.transaction(target, work)

  const find = async (tenant: Tenant, id: string): Promise<StoredDocument | undefined> => {
    const trigger = await documents.of(tenant).get(TRIGGERS, id)
    return trigger && !trigger.deleted ? trigger : undefined
  }

  async function statesOf(tenant: Tenant, ids: string[]): Promise<Map<string, TriggerState>> {
    const [jobsOf, schedules] = await Promise.all([
      jobs.ofTriggers(tenant, ids, JOBS_OF_STATE),
      readSchedules(database.query, tenant.id, ids),
    ])
    return new Map(ids.map(id => [id, stateOf(id, jobsOf.get(id) ?? [], schedules.get(id))]))
  }

  const remove = (target: Tenant | DocumentTransaction, id: string): Promise<boolean> =>
    within(target, async writer => {
      const trigger = await writer.get(TRIGGERS, id)
      if (!trigger || trigger.deleted) return false
      await writer.remove(TRIGGERS, id, trigger.rev)
      return true
    })

  const listOfAccount = async (
    query: ServiceDeps['database']['query'] | DocumentTransaction['query'],
    id: string,
    accountId: string,
  ) =>
    (await allTriggers(query, id)).filter(trigger => {
      const record = triggerRecord(trigger)
      return ofAccounts(record) && messageMember(record, 'account') === accountId
    })

  return {
    find,
    remove,
    statesOf,

    list: (tenant: Tenant): Promise<StoredDocument[]> => allTriggers(database.query, tenant.id),

    /** `current_state`. @returns undefined when there is no such trigger */
    async stateOf(tenant: Tenant, id: string): Promise<TriggerState | undefined> {
      return (await find(tenant, id)) && (await statesOf(tenant, [id])).get(id)
    },

    /** @throws 422 for an unknown type or a bad debounce, 400 for arguments that cannot be read */
    create(target: Tenant | DocumentTransaction, given: NewTrigger): Promise<StoredDocument> {
      const { domain } = 'afterCommit' in target ? target.tenant : target
      const record = newRecord(domain, given, clock.now().toISOString())
      return within(target, writer => writer.create(TRIGGERS, record as unknown as Body))
    },

    /**
     * @throws 422 when other arguments are asked for where there can be none, 400 when they cannot be read, 404
     */
    patch: (target: Tenant | DocumentTransaction, id: string, patch: TriggerPatch): Promise<StoredDocument> =>
      within(target, async writer => {
        const trigger = await writer.get(TRIGGERS, id)
        if (!trigger || trigger.deleted) throw NO_TRIGGER()
        const record = triggerRecord(trigger)
        if (patch.arguments !== undefined) {
          if (record.type !== '@cron') throw invalidAttribute('Type', 'Only the arguments of a @cron can be changed')
          assertReadable({ ...record, arguments: patch.arguments })
        }
        const now = clock.now().toISOString()
        return await writer.update(TRIGGERS, id, trigger.rev, {
          ...trigger.body,
          ...(patch.arguments !== undefined && { arguments: patch.arguments }),
          ...('message' in patch && { message: patch.message }),
          cozyMetadata: { ...record.cozyMetadata, updatedAt: now },
        })
      }),

    /** Starts it now, as a person asks. @returns the job @throws 404, RateExceeded */
    launch: (target: Tenant | DocumentTransaction, id: string): Promise<StoredDocument> =>
      within(target, async writer => {
        const trigger = await writer.get(TRIGGERS, id)
        if (!trigger || trigger.deleted) throw NO_TRIGGER()
        const fired = await fire.now(writer, trigger, { manual: true })
        if ('skipped' in fired) throw new Error('a manual job is stored, even when it is refused')
        return fired.job
      }),

    /** Something was sent to a webhook. */
    call: (tenant: Tenant, id: string, cause: { payload: Uint8Array; manual: boolean }): Promise<void> =>
      documents.transaction(tenant, async writer => {
        const trigger = await writer.get(TRIGGERS, id)
        if (trigger && !trigger.deleted) await fire.soon(writer, trigger, cause)
      }),

    /** Triggers of konnectors and devices whose message names the account. */
    ofAccount: (tenant: Tenant, accountId: string) => listOfAccount(database.query, tenant.id, accountId),

    /** @returns how many there were */
    async deleteForAccount(writer: DocumentTransaction, accountId: string): Promise<number> {
      const found = await listOfAccount(writer.query, writer.tenant.id, accountId)
      for (const { id, rev } of found) await writer.remove(TRIGGERS, id, rev)
      return found.length
    },
  }
}

export type TriggerService = ReturnType<typeof createTriggerService>

function newRecord(domain: string, given: NewTrigger, now: string): TriggerRecord {
  const { type, debounce = '', message = null, options = null, createdByApp } = given
  if (!isTriggerType(type)) throw invalidAttribute('Type', `There is no trigger type ${type}`)
  if (debounce !== '' && parseGoDuration(debounce) === undefined)
    throw invalidAttribute('debounce', 'A debounce is a duration, as 3m or 1h30m')
  const record: TriggerRecord = {
    domain,
    type,
    // What a device does: UIs say `konnector`.
    worker: type === '@client' ? CLIENT : given.worker,
    arguments: given.arguments ?? '',
    debounce,
    options,
    message,
    cozyMetadata: {
      doctypeVersion: '1',
      metadataVersion: 1,
      createdAt: now,
      ...(createdByApp !== undefined && { createdByApp }),
      updatedAt: now,
    },
  }
  assertReadable(record)
  return record
}

/** @throws 400 */
function assertReadable(record: TriggerRecord): void {
  if (record.arguments.length > LONGEST_ARGUMENTS) throw UNPARSABLE()
  if (!scheduleOf(record, '')) throw UNPARSABLE()
  if (record.type === '@event' && !parseEventRules(record.arguments)) throw UNPARSABLE()
}
