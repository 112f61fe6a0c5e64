import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delayed, setImmediate as turnOver } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Database } from '../database/index.ts'
import type { ManagedDocuments } from '../documents/contract.ts'
import type { Log } from '../log.ts'
import type { News } from './contract.ts'
import { listenOn } from './listening-connection.ts'
import { type Item, pack, unpack } from './message.ts'
import { createOutbox } from './outbox.ts'

const CHANNEL = 'konnectory_news'
/** Long enough for who is there to read them. */
const KEPT_MS = 60_000
const DELETE_OLD = `delete from news where stored_at < now() - interval '${KEPT_MS} milliseconds'`
/** When the database refuses to notify. */
const RETRY_MS = 1_000
/**
 * Between two statements that notify: a process that writes all the time notifies 200 times a second rather than 2,000, and
 * one that writes now and then does so at once. Milliseconds.
 */
const APART_MS = 5
/** Notifications in one statement. */
const MOST_MESSAGES = 100
/** Processes whose last message is remembered. */
const SENDERS = 1_000

export interface NewsConnectionOptions {
  news: News
  documents: Pick<ManagedDocuments, 'heard' | 'catchUp'>
  database: Pick<Database, 'driver'>
  log: Log
}

export interface Connection extends AsyncDisposable {
  /** Resolves when all that was published so far has been sent, or cannot be now. */
  sent(): Promise<void>
}

/**
 * Takes the news of this process to all others on the same database, and theirs to the listeners here: LISTEN and NOTIFY,
 * after the commit, all that happened in a turn of the event loop together. A notification names positions of feeds; who wants
 * those changes reads them. Other events travel whole, large ones through a table.
 *
 * While the connection is down nothing is heard: when it is back everybody is told that news got lost, and followed feeds
 * are read on from where they were.
 * @throws the driver's error when the database cannot be reached
 */
export async function connectNews({ news, documents, database, log }: NewsConnectionOptions): Promise<Connection> {
  const { driver } = database
  const sender = randomBytes(8).toString('hex')
  const outbox = createOutbox(randomUUID)
  const heardOf = new LRUCache<string, number>({ max: SENDERS })
  let numbered = 0
  /** Sent, perhaps: the connection broke before the answer. */
  let unsure: string[] = []
  let sending: Promise<void> | undefined
  let sentAt = Number.NEGATIVE_INFINITY
  let more = false
  let cleaning: NodeJS.Timeout | undefined

  const send = async (): Promise<void> => {
    while (unsure.length > 0 || !outbox.isEmpty()) {
      if (unsure.length === 0) {
        const { items, large } = outbox.take()
        const messages = pack(sender, () => ++numbered, items)
        if (large.length > 0 && !(await store(large))) {
          // What the messages name is not there; the others look at everything.
          outbox.lose()
          return
        }
        unsure = messages
      }
      const some = unsure.slice(0, MOST_MESSAGES)
      const sent = await connection.run('select pg_notify($1, message) from unnest($2::text[]) as message', [
        CHANNEL,
        some,
      ])
      if (!sent) return
      unsure = unsure.slice(some.length)
    }
  }

  const store = async (large: { tenantId: string; id: string; text: string }[]): Promise<boolean> => {
    cleaning ??= setTimeout(clean, 2 * KEPT_MS).unref()
    const columns = [large.map(row => row.tenantId), large.map(row => row.id), large.map(row => row.text)]
    const stored = await connection.run(
      `with old as (${DELETE_OLD})
       insert into news (instance_id, id, event) select * from unnest($1::uuid[], $2::uuid[], $3::text[])`,
      columns,
    )
    return stored !== undefined
  }

  const clean = (): void => {
    cleaning = undefined
    connection.run(DELETE_OLD, []).catch(error => log.warn('old news could not be deleted', { error }))
  }

  const flush = (): void => {
    more = sending !== undefined
    sending ??= pause(sentAt + APART_MS - performance.now())
      .then(send)
      .catch(error => {
        log.error('news could not be told to other processes', { error })
        unsure = []
        outbox.lose()
        setTimeout(flush, RETRY_MS).unref()
      })
      .finally(() => {
        sentAt = performance.now()
        sending = undefined
        if (more) flush()
      })
  }

  let turn = Promise.resolve()
  const receive = (items: () => Item[]): void => {
    turn = turn
      .then(() => takeIn(items()))
      .catch(error => {
        log.error('news of another process could not be read', { error })
        missed()
      })
  }

  const takeIn = async (items: Item[]): Promise<void> => {
    for (const item of items) {
      if ('lost' in item) missed()
      else if ('to' in item) documents.heard(item)
      else if ('event' in item) news.publish([{ ...item.event, tenant: item.tenant, elsewhere: true }])
      else receiveStored(item.tenant.id, await readStored(item.tenant.id, item.stored))
    }
  }

  const receiveStored = (tenantId: string, text: string | undefined): void => {
    if (text === undefined) {
      log.warn('news of another process were gone before they were read', { tenantId })
      missed()
      return
    }
    const { tenant, event } = JSON.parse(text) as Extract<Item, { event: unknown }>
    news.publish([{ ...event, tenant, elsewhere: true }])
  }

  const readStored = async (tenantId: string, id: string): Promise<string | undefined> => {
    const { rows } = await driver.query<{ event: string }>(
      'select event from news where instance_id = $1 and id = $2',
      [tenantId, id],
    )
    return rows[0]?.event
  }

  const missed = (): void => {
    news.lose('here')
    documents.catchUp()
  }

  const connection = await listenOn({
    options: driver.options,
    channel: CHANNEL,
    log,
    onMessage(payload) {
      // Our own come back too.
      if (payload.startsWith(sender)) return
      const message = unpack(payload)
      if (!message || message.number <= (heardOf.get(message.sender) ?? 0)) return
      heardOf.set(message.sender, message.number)
      receive(message.items)
    },
    onAgain() {
      missed()
      flush()
    },
  })

  // What a process left that ended within a minute.
  await driver.query(DELETE_OLD)

  const end = news.subscribe(
    event => {
      if (event.elsewhere) return
      outbox.add(event)
      flush()
    },
    {
      wants: () => false,
      missed(where) {
        if (where === 'here') return
        outbox.lose()
        flush()
      },
    },
  )

  const sent = async (): Promise<void> => {
    while (sending) await sending
  }

  return {
    sent,
    async [Symbol.asyncDispose]() {
      end()
      await sent()
      clearTimeout(cleaning)
      await connection[Symbol.asyncDispose]()
      await turn
    },
  }
}

/** The rest of this turn of the event loop at least. */
const pause = (milliseconds: number): Promise<void> => (milliseconds > 0 ? delayed(milliseconds) : turnOver())
