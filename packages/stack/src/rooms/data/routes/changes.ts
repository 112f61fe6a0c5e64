import type { Body } from '#ground/documents/contract'
import { onPool } from '#ground/documents/sql'
import type { Answer } from '#ground/http/answer'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { type ChangesPage, changesPage, positionOf } from '../changes.ts'
import { type ChangesRequest, readChangesRequest } from '../changes-request.ts'
import { assertReadable } from '../doctypes.ts'
import { jsonObject } from '../given-document.ts'
import type { Query } from '../parameters.ts'
import { noDatabase } from '../raw.ts'
import type { Room } from '../room.ts'
import { streamedRows } from '../streamed.ts'

type Request = RouteRequest<{ doctype: string }, Query, Body | undefined>

/**
 * Longest wait for a change. Short enough that no proxy takes the connection for dead, so that nothing need be sent meanwhile
 * (`heartbeat`): blank lines would not get through a compressed answer.
 */
const LONGEST_WAIT_MS = 25_000

/** The changes feed (`protocol/data.md` §6). */
export function changesRoutes({ documents, database, bells }: Room): Route[] {
  const run = onPool(database.driver)

  const changes = async (request: Request, body: Body | undefined): Promise<Answer> => {
    const { tenant, allow, params, query } = request
    const { doctype } = params
    assertReadable(doctype)
    allow.whole('GET', doctype)
    const asked = readChangesRequest(query, body)
    const feed = await documents.of(tenant).feed(doctype)
    if (!feed) throw noDatabase()
    const since = positionOf(asked.since, feed)
    if (asked.feed === 'longpoll' && !asked.descending) return longpoll(request, asked, since)
    return answer(changesPage(run, tenant, request.actor, doctype, feed, since, asked))
  }

  const answer = ({ rows, tail }: ChangesPage) => streamedRows('{"results":[', rows, async () => `],${await tail()}}`)

  /** Answers as soon as there is a change, with nothing after a while: the client asks again. */
  const longpoll = async ({ tenant, actor, params, signal }: Request, asked: ChangesRequest, since: number) => {
    const { doctype } = params
    // Hung up before looking: what happens in between rings.
    using bell = bells.hang(tenant, doctype)
    const end = performance.now() + Math.min(asked.timeout || LONGEST_WAIT_MS, LONGEST_WAIT_MS)
    for (let from = since; ; ) {
      const feed = await documents.of(tenant).feed(doctype)
      if (!feed) throw noDatabase()
      // Less than before: the database was dropped and made again meanwhile.
      const page = changesPage(run, tenant, actor, doctype, feed, feed.seq < from ? 0 : from, asked)
      const rows = page.rows[Symbol.asyncIterator]()
      const first = await rows.next()
      const left = end - performance.now()
      if (!first.done || left <= 0) return answer({ rows: again(first, rows), tail: page.tail })
      from = feed.seq
      if ((await bell.wait(left, signal)) === 'over') return answer(page)
    }
  }

  return [
    route<{ doctype: string }, Query>({
      method: 'GET',
      path: '/data/:doctype/_changes',
      summary: 'Tells which documents changed after a position',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      handle: request => changes(request, undefined),
    }),
    route<{ doctype: string }, Query, Body>({
      method: 'POST',
      path: '/data/:doctype/_changes',
      summary: 'Tells which documents of a filter changed after a position',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      body: { json: jsonObject, optional: true },
      handle: request => changes(request, request.body ?? {}),
    }),
  ]
}

async function* again<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  for (let item = first; !item.done; item = await rest.next()) yield item.value
}
