import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Accounts } from '#rooms/accounts'
import type { Instances } from '#rooms/instances'
import type { Jobs } from '#rooms/jobs'
import { listenToChanges } from './events/on-change.ts'
import { createFire } from './fire.ts'
import { triggerRoutes } from './routes/triggers.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { createDoDue } from './scheduler/do-due.ts'
import { keepSchedule } from './scheduler/keep-schedule.ts'
import { createScheduler, type Scheduler } from './scheduler/scheduler.ts'
import { createTriggerService } from './service.ts'
import { TRIGGERS } from './trigger.ts'

export { presentTrigger, triggerAnswer } from './present.ts'
export type { NewTrigger, TriggerPatch } from './service.ts'
export type { TriggerState } from './state.ts'
export { messageMember, TRIGGERS, type TriggerRecord, type TriggerType, triggerRecord } from './trigger.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'triggers', folder: join(import.meta.dirname, 'migrations') }

export interface TriggersDeps {
  instances: Pick<Instances, 'byId' | 'archive' | 'rates'>
  jobs: Jobs
  accounts: Pick<Accounts, 'onDeleted'>
}

export interface TriggersOptions {
  /** After so long, what a process took and did not do is another's. Default 30 s. */
  holdMs?: number
}

/** When jobs are to be done: at a time, on an event, when somebody calls. */
export function createTriggers(
  ground: Ground,
  { instances, jobs, accounts }: TriggersDeps,
  options: TriggersOptions = {},
) {
  const { documents, database, clock, log, news } = ground
  // Made last, woken by what comes before it.
  let scheduler: Scheduler | undefined
  const wake = () => scheduler?.wake()
  const fire = createFire({ clock, log, jobs, wake })
  const events = listenToChanges({ documents, news, fire, clock })
  keepSchedule({ documents, clock, instances, forget: events.forget, wake })
  const service = createTriggerService({ documents, clock, database, jobs, fire })
  const work = createDoDue({ documents, clock, log, database, instances, fire })
  const made = createScheduler({ database, clock, log, work, ...options })
  scheduler = made

  // What another process says may be due earlier than anything known here.
  const endNews = news.subscribe(
    ({ doctype, elsewhere }) => {
      if (doctype === TRIGGERS && elsewhere) made.wake()
    },
    { wants: (_tenantId, doctype) => doctype === TRIGGERS, missed: () => made.wake() },
  )
  accounts.onDeleted(async (writer, { account }) => void (await service.deleteForAccount(writer, account.id)))
  jobs.onEnded(async (writer, { record, outcome }) => {
    // It asks for what is not there: it would fail each time (`protocol/jobs.md` §5).
    if (outcome.badTrigger && record.trigger_id !== undefined) await service.remove(writer, record.trigger_id)
  })

  return {
    ...service,
    /** Begins to do what is due; the jobs have started. */
    start: (): void => made.start(),
    /** Does what is due now, once. @returns how much there was */
    doDue: (): Promise<number> => made.round(),
    routes: [
      ...triggerRoutes({ triggers: service, jobs }),
      ...webhookRoutes({ triggers: service, instances }),
    ] as Route[],
    migrations,
    async [Symbol.asyncDispose]() {
      events.end()
      endNews()
      await made[Symbol.asyncDispose]()
    },
  }
}

export type Triggers = ReturnType<typeof createTriggers>
