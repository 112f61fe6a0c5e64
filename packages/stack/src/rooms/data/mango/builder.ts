import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { typedError } from '#ground/database/errors'
import { onPool, type RunSql } from '#ground/documents/sql'
import type { Log } from '#ground/log'
import { splitField } from './field-path.ts'
import { keyColumns } from './key.ts'
import { createIndexSql, quoteName } from './physical-index.ts'
import { catalogueState, partitionOf, readIndex, readPartitions, setState } from './physical-store.ts'

/**
 * Builds indexes and drops them, one at a time in the whole database, without holding up reads or writes.
 *
 * An index is *waiting* (there are too many), *wanted* (its row is there), *ready* (usable, seen so in the catalogue) or *failed*. A process that dies leaves
 * at worst a broken index under a wanted row; whoever comes next drops it and begins again.
 */
export interface IndexBuilder extends AsyncDisposable {
  /** @returns when it is ready, failed (which is in the log) or given up because this process ends; never rejects */
  build(name: string): Promise<void>
  /** Drops an index that is in no table. */
  drop(name: string): Promise<void>
}

/**
 * Held from a transaction that does nothing else: two concurrent builds on a table would wait for each other, and
 * a lock of a transaction also holds through a pooler.
 */
const BUILD_LOCK = 7_340_211_909
/** How often a process looks whether another one is done building. */
const LOOK_AGAIN_MS = 250

export function createIndexBuilder({ driver, log }: { driver: pg.Pool; log: Log }): IndexBuilder {
  let last: Promise<void> = Promise.resolve()
  const pending = new Map<string, Promise<void>>()
  const stopping = new AbortController()

  const inTurn = (key: string, work: () => Promise<void>): Promise<void> => {
    const known = pending.get(key)
    if (known) return known
    const done = last
      .then(async () => {
        if (!stopping.signal.aborted) await work()
      })
      .catch(error => {
        if (!stopping.signal.aborted) log.error('an index could not be built or dropped', { index: key, error })
      })
      .finally(() => pending.delete(key))
    pending.set(key, done)
    last = done
    return done
  }

  return {
    build: name =>
      inTurn(name, () => underLock(driver, stopping.signal, run => buildIndex(run, name, log, stopping.signal))),
    drop: name =>
      inTurn(`drop ${name}`, () =>
        underLock(driver, stopping.signal, async run => {
          // Meanwhile somebody may want it again.
          if (!(await readIndex(run, name)))
            await run(`drop index concurrently if exists konnectory.${quoteName(name)}`, [])
        }),
      ),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await last
    },
  }
}

async function buildIndex(run: RunSql, name: string, log: Log, stopping: AbortSignal): Promise<void> {
  const index = await readIndex(run, name)
  if (!index) return
  const found = await catalogueState(run, name)
  if (found === 'whole') return setState(run, name, 'ready')
  if (found === 'broken') await run(`drop index concurrently if exists konnectory.${quoteName(name)}`, [])
  const started = performance.now()
  const partition = partitionOf(await readPartitions(run), index.doctype)
  const columns = keyColumns(index.fields.map(splitField))
  try {
    await run(createIndexSql(index, columns, partition), [])
    // Without it the planner knows nothing of the expressions, and guesses.
    await run(`analyze konnectory.${quoteName(partition.name)}`, [])
    await setState(run, name, 'ready')
  } catch (error) {
    if (stopping.aborted) throw error
    await setState(run, name, 'failed', String(error))
    throw error
  }
  const ms = Math.round(performance.now() - started)
  log.info('built an index', { index: name, doctype: index.doctype, fields: index.fields.join(', '), ms })
}

/**
 * Not by waiting in the database: a statement that waits has a snapshot, for whose end a concurrent build waits, and each would
 * wait for the other. Nor with a parameter, for that leaves an open portal, and its snapshot.
 */
async function isOurs(run: Connection['run']): Promise<boolean> {
  const [row] = await run<{ ours: boolean }>(`select pg_try_advisory_xact_lock(${BUILD_LOCK}) as ours`)
  return row!.ours
}

/**
 * Two connections of their own, not of the pool, which requests wait for: one holds the lock, the other works outside of any
 * transaction, as concurrent builds must.
 */
async function underLock(driver: pg.Pool, stopping: AbortSignal, work: (run: RunSql) => Promise<void>): Promise<void> {
  await using clients = new AsyncDisposableStack()
  const holder = clients.use(await connect(driver))
  const worker = clients.use(await connect(driver))
  const stop = () => void cancel(driver, [holder.pid, worker.pid])
  stopping.addEventListener('abort', stop)
  clients.defer(() => stopping.removeEventListener('abort', stop))
  await holder.run('begin; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0')
  while (!(await isOurs(holder.run))) await delay(LOOK_AGAIN_MS, undefined, { signal: stopping })
  await worker.run('set statement_timeout = 0')
  stopping.throwIfAborted()
  await work(worker.run)
}

interface Connection extends AsyncDisposable {
  pid: number
  run: <Row>(text: string, values?: unknown[]) => Promise<Row[]>
}

async function connect(driver: pg.Pool): Promise<Connection> {
  const client = new pg.Client(driver.options)
  // A connection that breaks while nobody waits for an answer: whoever asks next is told.
  client.on('error', () => {})
  try {
    await client.connect()
    // Without values, so that no portal stays open.
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return {
      pid: rows[0]!.pid,
      async run<Row>(text: string, values?: unknown[]) {
        try {
          return (await client.query(text, values)).rows as Row[]
        } catch (error) {
          throw typedError(error)
        }
      },
      [Symbol.asyncDispose]: () => client.end(),
    }
  } catch (error) {
    await client.end()
    throw typedError(error)
  }
}

async function cancel(driver: pg.Pool, pids: number[]): Promise<void> {
  try {
    await onPool(driver)('select pg_cancel_backend(pid) from unnest($1::integer[]) as pid', [pids])
  } catch {
    // The database is gone, and with it what was to be cancelled.
  }
}
