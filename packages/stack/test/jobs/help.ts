import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import type { Clock } from '../../src/ground/clock.ts'
import { systemClock } from '../../src/ground/clock.ts'
import { readConfig } from '../../src/ground/config.ts'
import { createPool, type Pool } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createKeyring } from '../../src/ground/keyring/index.ts'
import type { Log } from '../../src/ground/log.ts'
import { createNews, type NewsEvent } from '../../src/ground/news/index.ts'
import { houseMigrations } from '../../src/house/migrations.ts'
import { createInstances, type Instance } from '../../src/rooms/instances/index.ts'
import {
  createJobs,
  type EndedJob,
  JOBS,
  type JobRecord,
  type JobsOptions,
  jobRecord,
} from '../../src/rooms/jobs/index.ts'
import { createDocuments } from '../help/documents.ts'

export const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

export interface JobsHouseOptions {
  clock?: Clock
  log?: Log
  jobs?: JobsOptions
  /** Another process's database: neither made nor dropped here. */
  url?: string
  connections?: number
}

/** Ground, instances and jobs: what a worker needs, without the listeners of a house. Jobs are not started. */
export async function openJobs({
  clock = systemClock,
  log = silentLog,
  jobs: options,
  url,
  connections = 8,
}: JobsHouseOptions = {}) {
  await using cleanup = new AsyncDisposableStack()
  const database: Pool & { url: string } = url
    ? { ...cleanup.use(createPool({ target: url, connections, statementTimeout: 30_000, log })), url }
    : cleanup.use(await createTestDatabase({ migrations: houseMigrations(), connections }))
  const config = readConfig({ KONNECTORY_MASTER_KEY: MASTER_KEY, KONNECTORY_DATA: '/nonexistent' })
  const news = cleanup.use(createNews({ log } as Parameters<typeof createNews>[0]))
  const keyring = cleanup.use(createKeyring({ config, database, clock, log }))
  await keyring.start()
  const events: NewsEvent[] = []
  news.subscribe(event => void events.push(event))
  const documents = createDocuments({ database, clock, publish: news.publish })
  const dataDirectory = await mkdtemp(join(tmpdir(), 'konnectory-jobs-'))
  cleanup.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const blobs = createLocalBlobs({ directory: dataDirectory, clock })
  const ground = { blobs, config, clock, log, database, documents, news, keyring } as unknown as Ground
  const instances = createInstances(ground)
  cleanup.use(instances)
  const jobs = cleanup.use(createJobs(ground, { instances }, options))
  const ended = endings(jobs)
  const opened = cleanup.move()
  return {
    ground,
    database,
    url: database.url,
    instances,
    jobs,
    events,
    ended,
    instance: async (domain = 'alice.localhost'): Promise<Instance> =>
      (await instances.byDomain(domain)) ?? (await instances.create({ domain, locale: 'en' })).instance,
    async record(instance: Instance, id: string): Promise<JobRecord> {
      const document = await documents.of(instance).get(JOBS, id)
      if (!document) throw new Error(`there is no job ${id}`)
      return jobRecord(document)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type JobsHouse = Awaited<ReturnType<typeof openJobs>>

/** Jobs that ended in this process, to wait for. */
function endings(jobs: {
  onEnded(listener: (writer: { afterCommit(work: () => void): void }, ended: EndedJob) => Promise<void>): void
}) {
  const seen = new Map<string, EndedJob>()
  const waiting = new Map<string, PromiseWithResolvers<EndedJob>>()
  jobs.onEnded(async (writer, ended) => {
    writer.afterCommit(() => {
      seen.set(ended.id, ended)
      waiting.get(ended.id)?.resolve(ended)
    })
  })
  return (id: string): Promise<EndedJob> => {
    const known = seen.get(id)
    if (known) return Promise.resolve(known)
    const wait = waiting.get(id) ?? Promise.withResolvers<EndedJob>()
    waiting.set(id, wait)
    return wait.promise
  }
}

/** A clock that stands still until it is set. */
export function fakeClock(start: string | Date): Clock & { set(to: string | Date): void; advance(ms: number): void } {
  let now = new Date(start)
  return {
    now: () => new Date(now),
    set(to) {
      now = new Date(to)
    },
    advance(ms) {
      now = new Date(now.getTime() + ms)
    },
  }
}

/** Something that happens once, to be waited for by name. */
export function signals() {
  const made = new Map<string, PromiseWithResolvers<unknown>>()
  const of = (name: string) => {
    const known = made.get(name) ?? Promise.withResolvers<unknown>()
    made.set(name, known)
    return known
  }
  return { say: (name: string, value?: unknown) => of(name).resolve(value), heard: (name: string) => of(name).promise }
}
