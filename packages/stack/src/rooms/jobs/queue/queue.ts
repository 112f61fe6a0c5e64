import { sql, type Transaction } from 'kysely'
import type pg from 'pg'
import { type Job, PgBoss } from 'pg-boss'
import { type GroundTables, typedError } from '#ground/database/index'
import type { Log } from '#ground/log'
import type { Listener } from './listener.ts'
import { clientAsQueueDatabase, poolAsQueueDatabase, transactionAsQueueDatabase } from './queue-database.ts'

/** A job that this process holds until its lease ends. */
export interface Claim {
  worker: string
  /** Of the job's document. */
  id: string
  tenantId: string
  /** Names this holding of the job: an end said for an earlier one changes nothing (the fence). */
  fence: number
}

export interface QueuedJob {
  worker: string
  id: string
  tenantId: string
  /** Jobs of one key are held one at a time. */
  key: string | undefined
  urgent: boolean
  /** Most seconds one holding may last, whatever its heartbeat says. */
  longestSeconds: number
}

type Tx = Transaction<GroundTables>

/** What waits to be done, in the database: pg-boss, of which nothing else in the house knows. */
export interface Queue extends AsyncDisposable {
  /** Before anything else. */
  start(): Promise<void>
  /** Makes what is missing for these workers. */
  serve(workers: string[]): Promise<void>
  /** There if the caller's transaction commits, and only then. */
  add(query: Tx, job: QueuedJob): Promise<void>
  /** @returns at most `limit` jobs, manual ones first; none whose key somebody holds */
  claim(worker: string, limit: number): Promise<Claim[]>
  /** Whether the claim holds, asked in a transaction that is to commit only if it does; renews the lease. */
  holds(query: Tx, claim: Claim): Promise<boolean>
  /** Renews leases. @returns those that still hold */
  renew(claims: Claim[]): Promise<Set<Claim>>
  /** The job is done with, if the claim holds. */
  settle(query: Tx, claim: Claim): Promise<boolean>
  /** The job is no longer to be done, whoever holds it. */
  withdraw(query: Tx, worker: string, ids: string[]): Promise<void>
  /** Another process may have it at once. */
  giveBack(claim: Claim): Promise<void>
  /** All of an instance that is gone. */
  forget(tenantId: string): Promise<void>
  /** Jobs waiting and held, by worker. */
  depth(): Promise<{ worker: string; waiting: number; held: number }[]>
  /** Called when there may be something to claim, or (`withdrawn`) something to let go. */
  onHint(listener: { ready(worker: string): void; withdrawn(id: string): void; gap(): void }): void
}

export const QUEUE_SCHEMA = 'konnectory_jobs'
const CHANNEL = 'konnectory_jobs'
const MANUAL = 10
const NORMAL = 0
/** A claim that is lost is no failure of the job: who claims it next counts them (`run/begin.ts`). */
const RETRIES = 1_000_000
/** Until a job that nobody ever fetched is thrown away: never, as far as a person waits for it. */
const RETENTION_SECONDS = 10 * 365 * 86_400
/** What pg-boss accepts. */
const LONGEST_SECONDS = 86_400
/** Any number, the same in all versions; with the hash of the worker's name the lock of its exclusive claims. */
const CLAIM_LOCK = 734_021

export interface QueueOptions {
  /** Without a sign of life for so long, a claim ends. At least 10. */
  leaseSeconds: number
  /** How often ended leases are looked for. */
  superviseSeconds: number
}

export function createQueue(
  { driver }: { driver: pg.Pool },
  { leaseSeconds, superviseSeconds }: QueueOptions,
  listener: Listener,
  log: Log,
): Queue {
  const boss = new PgBoss({
    db: poolAsQueueDatabase(driver),
    schema: QUEUE_SCHEMA,
    createSchema: false,
    // Triggers are ours.
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    // What ended is deleted at once, by `settle`: there is next to nothing to maintain.
    maintenanceIntervalSeconds: 3600,
    flowIntervalSeconds: 3600,
    bamIntervalSeconds: 3600,
  })
  boss.on('error', error => log.error('the queue failed at its own housekeeping; it tries again', { error }))
  boss.on('warning', ({ message, data }) => log.warn('the queue warns', { warning: message, data }))

  const attempt = (claim: Claim) => ({ id: queueId(claim.id), retryCount: claim.fence })
  let started = false

  /** One process at a time looks for a key that is free: two would both see it so. */
  async function fetchAlone(worker: string, limit: number) {
    const client = await driver.connect()
    let broken: Error | undefined
    // The pool listens only while a connection is idle; one that breaks between two statements must not end the process.
    const gone = (error: Error) => {
      broken = error
    }
    client.on('error', gone)
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock($1, hashtext($2))', [CLAIM_LOCK, worker])
      const jobs: Job<{ tenant: string }>[] = []
      while (jobs.length < limit) {
        // One by one: of several of a key in one fetch it would take the oldest, not the most urgent.
        const db = clientAsQueueDatabase(client)
        const [job] = await boss.fetch<{ tenant: string }>(worker, { groupConcurrency: 1, db })
        if (!job) break
        jobs.push(job)
      }
      await client.query('commit')
      return jobs
    } catch (error) {
      await client.query('rollback').catch(reason => {
        broken = reason
      })
      throw typedError(error)
    } finally {
      client.off('error', gone)
      client.release(broken)
    }
  }

  return {
    async start() {
      await boss.start()
      started = true
    },

    async serve(workers) {
      const there = new Set((await boss.getQueues()).map(({ name }) => name))
      for (const name of workers) if (!there.has(name)) await boss.createQueue(name)
    },

    async add(query, { worker, id, tenantId, key, urgent, longestSeconds }) {
      const added = await boss.send(
        worker,
        { tenant: tenantId },
        {
          id: queueId(id),
          priority: urgent ? MANUAL : NORMAL,
          ...(key !== undefined && { group: { id: `${tenantId} ${key}` } }),
          retryLimit: RETRIES,
          retryDelay: 0,
          expireInSeconds: Math.min(LONGEST_SECONDS, Math.ceil(longestSeconds)),
          heartbeatSeconds: leaseSeconds,
          retentionSeconds: RETENTION_SECONDS,
          db: transactionAsQueueDatabase(query),
        },
      )
      if (added === null) throw new Error(`the job ${id} is in the queue already`)
      await sql`select pg_notify(${CHANNEL}, ${`ready ${worker}`})`.execute(query)
    },

    async claim(worker, limit) {
      return (await fetchAlone(worker, limit)).map(({ id, data, retryCount }) => ({
        worker,
        id: documentId(id),
        tenantId: data.tenant,
        fence: retryCount,
      }))
    },

    async holds(query, claim) {
      return affectedOne(await boss.touch(claim.worker, attempt(claim), { db: transactionAsQueueDatabase(query) }))
    },

    async renew(claims) {
      const newest = new Map<string, Claim>()
      // A process may hold a job again while it still lets go of what it lost: only the last claim can hold.
      for (const claim of claims) if (claim.fence >= (newest.get(claim.id)?.fence ?? 0)) newest.set(claim.id, claim)
      const held = new Set<Claim>()
      for (const [worker, ofWorker] of Map.groupBy(newest.values(), claim => claim.worker)) {
        const { settled = [] } = (await boss.touch(worker, ofWorker.map(attempt))) as { settled?: string[] }
        const ids = new Set(settled.map(documentId))
        for (const claim of ofWorker) if (ids.has(claim.id)) held.add(claim)
      }
      return held
    },

    async settle(query, claim) {
      return affectedOne(await boss.deleteJob(claim.worker, attempt(claim), { db: transactionAsQueueDatabase(query) }))
    },

    async withdraw(query, worker, ids) {
      // A worker nobody ever served has no queue.
      if (ids.length === 0 || !(await boss.getQueue(worker))) return
      await boss.deleteJob(worker, ids.map(queueId), { db: transactionAsQueueDatabase(query) })
      for (const id of ids) await sql`select pg_notify(${CHANNEL}, ${`withdrawn ${id}`})`.execute(query)
    },

    async giveBack(claim) {
      await boss.fail(claim.worker, attempt(claim), { message: 'given back' })
      await driver.query('select pg_notify($1, $2)', [CHANNEL, `ready ${claim.worker}`])
    },

    async forget(tenantId) {
      for (const { name } of await boss.getQueues()) {
        const jobs = await boss.findJobs(name, { data: { tenant: tenantId } })
        if (jobs.length > 0)
          await boss.deleteJob(
            name,
            jobs.map(({ id }) => id),
          )
      }
    },

    async depth() {
      const { rows } = await driver.query<{ worker: string; waiting: number; held: number }>(
        `select q.name as worker, count(*) filter (where j.state in ('created', 'retry'))::int as waiting,
                count(*) filter (where j.state = 'active')::int as held
           from ${QUEUE_SCHEMA}.queue q left join ${QUEUE_SCHEMA}.job j on j.name = q.name
          where q.name !~ '^__' group by q.name order by q.name`,
      )
      return rows
    },

    onHint({ ready, withdrawn, gap }) {
      listener.on(
        CHANNEL,
        payload => {
          const [kind, name = ''] = payload.split(' ')
          if (kind === 'ready') ready(name)
          else if (kind === 'withdrawn') withdrawn(name)
        },
        gap,
      )
    },

    async [Symbol.asyncDispose]() {
      if (started) await boss.stop({ graceful: false })
    },
  }
}

/** Its types leave out what its documentation promises. */
const affectedOne = (response: object): boolean => 'affected' in response && response.affected === 1

/** Ids of documents are UUIDs without dashes; the queue has them with. */
const queueId = (id: string) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
const documentId = (id: string) => id.replaceAll('-', '')
