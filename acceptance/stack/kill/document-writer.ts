import assert from 'node:assert/strict'
import type { Random } from '../fuzz/random.ts'
import type { Client } from './client.ts'
import { generationOf, type Writer } from './writer.ts'

/** A document as it was last acknowledged; without content it is deleted. */
interface Known {
  rev: string
  content: object | undefined
}

/** What one request does to documents; of one that is made without id, the key is the content's mark. */
type Open = Map<string, object | undefined>

/** Documents of a doctype of its own: POST, PUT, DELETE and _bulk_docs. */
export function createDocumentWriter(name: string): Writer {
  const doctype = `io.cozy.kill.${name}`
  const known = new Map<string, Known>()
  let open: Open | undefined
  let marks = 0
  const contentOf = (random: Random) => ({
    mark: `${name}-${marks++}`,
    text: 'é😀\u0000'.repeat(random.int(100)),
    list: [1, { deep: null }],
  })
  const living = () => [...known].filter(([, { content }]) => content)
  const set = (id: string, rev: string, content: object | undefined) => {
    assert.ok(generationOf(rev) > generationOf(known.get(id)?.rev ?? '0'), `${id}: ${rev}`)
    known.set(id, { rev, content })
  }

  const post = async (client: Client, random: Random) => {
    const content = contentOf(random)
    open = new Map([[content.mark, content]])
    const { json } = await client.ask({ method: 'POST', path: `/data/${doctype}/`, body: content })
    set(json.id, json.rev, content)
  }
  const put = async (client: Client, random: Random) => {
    const content = contentOf(random)
    const [id, old] =
      living().length > 0 && random.chance(0.7) ? random.pick(living()) : [`fixed-${content.mark}`, undefined]
    open = new Map([[id, content]])
    const body = old ? { _id: id, _rev: old.rev, ...content } : content
    const { json } = await client.ask({ method: 'PUT', path: `/data/${doctype}/${id}`, body })
    set(id, json.rev, content)
  }
  const remove = async (client: Client, random: Random) => {
    const [id, { rev }] = random.pick(living())
    open = new Map([[id, undefined]])
    const { json } = await client.ask({ method: 'DELETE', path: `/data/${doctype}/${id}?rev=${rev}` })
    set(id, json.rev, undefined)
  }
  const bulk = async (client: Client, random: Random) => {
    const changed = living()
      .filter(() => random.chance(0.05))
      .slice(0, 10)
    const edits = [
      ...changed.map(([id, { rev }]) => ({ id, rev, content: random.chance(0.2) ? undefined : contentOf(random) })),
      ...Array.from({ length: 1 + random.int(15) }, () => {
        const content = contentOf(random)
        return { id: `bulk-${content.mark}`, rev: undefined, content }
      }),
    ]
    open = new Map(edits.map(({ id, content }) => [id, content]))
    const docs = edits.map(({ id, rev, content }) => ({
      _id: id,
      ...(rev && { _rev: rev }),
      ...(content ?? { _deleted: true }),
    }))
    const { json } = await client.ask({ method: 'POST', path: `/data/${doctype}/_bulk_docs`, body: { docs } })
    assert.equal(json.length, edits.length)
    for (const [index, { id, content }] of edits.entries()) {
      assert.equal(json[index].ok, true, JSON.stringify(json[index]))
      set(id, json[index].rev, content)
    }
  }

  return {
    name,
    async step(client, random) {
      const ways = living().length < 5 ? [post, put] : [post, put, put, remove, bulk]
      await random.pick(ways)(client, random)
      open = undefined
    },
    async verify(client) {
      const there = await readAll(client, doctype)
      if (!there) {
        assert.equal(known.size, 0, `${doctype} is gone`)
        open = undefined
        return 'none'
      }
      const settled = open && settle(open, known, there)
      for (const [id, { rev, content }] of known) {
        const actual = there.get(id)
        assert.ok(actual, `${doctype} ${id} was acknowledged and is not there`)
        assert.equal(actual.rev, rev, `${doctype} ${id}`)
        assert.deepEqual(actual.content, content, `${doctype} ${id}`)
      }
      assert.deepEqual(
        [...there.keys()].filter(id => !known.has(id)),
        [],
        `${doctype} has documents nobody wrote`,
      )
      open = undefined
      return settled ?? 'none'
    },
  }
}

/** Takes over into the book what an open request has done; it has done all of it, or nothing. */
function settle(open: Open, known: Map<string, Known>, there: Map<string, Known>): 'done' | 'not done' {
  const done: boolean[] = []
  for (const [key, content] of open) {
    const mark = (content as { mark?: string } | undefined)?.mark
    const id =
      there.has(key) || known.has(key)
        ? key
        : [...there].find(([, { content: has }]) => (has as { mark?: string })?.mark === mark)?.[0]
    const actual = id === undefined ? undefined : there.get(id)
    const before = id === undefined ? undefined : known.get(id)
    const isDone = actual !== undefined && actual.rev !== before?.rev
    done.push(isDone)
    if (!isDone) continue
    assert.deepEqual(actual.content, content, `${key}: written by halves`)
    assert.equal(generationOf(actual.rev), generationOf(before?.rev ?? '0') + 1, key)
    known.set(id!, actual)
  }
  assert.equal(new Set(done).size, 1, `a request was done in part: ${JSON.stringify([...open.keys()])} ${done}`)
  return done[0] ? 'done' : 'not done'
}

/** All documents by id, from the feed and the listing, which must agree. */
async function readAll(client: Client, doctype: string): Promise<Map<string, Known> | undefined> {
  const { json: all } = await client.ask({ path: '/data/_all_doctypes' })
  if (!all.includes(doctype)) return undefined
  const { json: feed } = await client.ask({ path: `/data/${doctype}/_changes?include_docs=true` })
  const { json: list } = await client.ask({ path: `/data/${doctype}/_all_docs?include_docs=true` })
  const { json: info } = await client.ask({ path: `/data/${doctype}/` })
  const found = new Map<string, Known>()
  let last = 0
  for (const { id, seq, changes, deleted, doc } of feed.results) {
    assert.ok(!found.has(id), `${doctype} ${id} is in the feed twice`)
    assert.ok(Number.parseInt(seq, 10) > last, `${doctype}: ${seq} after ${last}`)
    last = Number.parseInt(seq, 10)
    const { _id, _rev, _deleted, ...content } = doc
    assert.equal(_rev, changes[0].rev, `${doctype} ${id}`)
    found.set(id, { rev: _rev, content: deleted ? undefined : content })
  }
  assert.equal(feed.pending, 0)
  assert.equal(feed.last_seq, info.update_seq, `${doctype}: the feed ends where the database does`)
  const listed = new Map(list.rows.map(({ id, value }: { id: string; value: { rev: string } }) => [id, value.rev]))
  const inFeed = [...found].filter(([, { content }]) => content).map(([id, { rev }]): [string, string] => [id, rev])
  assert.deepEqual(
    listed,
    new Map(inFeed.sort(([one], [other]) => (one < other ? -1 : 1))),
    `${doctype}: listing and feed agree`,
  )
  assert.equal(list.total_rows, listed.size)
  assert.equal(info.doc_count, listed.size, doctype)
  assert.equal(info.doc_del_count, found.size - listed.size, doctype)
  return found
}
