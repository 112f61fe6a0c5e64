import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { findings } from '../../src/rooms/files/read/check-tree.ts'
import { type Entry, FILES, ROOT_ID } from '../../src/rooms/files/record.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, root, alice } = house
const { driver } = house.ground.database

describe('a directory of 20,000 files', async () => {
  const MANY = 20_000
  const big = await directory(root, 'big')
  await driver.query(
    `insert into docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
     select $1, $3, 'f' || n, '1-x', 1, false, 1000 + n, '{}', jsonb_build_object(
       'type', 'file', 'name', 'f' || lpad(n::text, 6, '0'), 'dir_id', $2::text, 'size', '10', 'class', 'files',
       'mime', 'a/b', 'metadata', jsonb_build_object('filling', repeat('x', 300)))
       from generate_series(1, ${MANY}) n`,
    [alice.id, big._id, FILES],
  )
  await driver.query('insert into file_counts values ($1, $2, $3)', [alice.id, big._id, MANY])
  await driver.query(
    `insert into file_references select $1, 'referenced_by', 'io.cozy.bills', 'b', 'f' || n, n::text from generate_series(1, ${MANY}) n`,
    [alice.id],
  )
  await driver.query('analyze docs_files')
  await driver.query('analyze file_references')

  /** Blocks of 8 KiB that a statement looks at: what it costs, whatever else the machine does. */
  async function blocks(statement: string, values: unknown[]): Promise<{ blocks: number; plan: string }> {
    const { rows } = await driver.query(`explain (analyze, buffers, format json) ${statement}`, values)
    const { Plan } = rows[0]['QUERY PLAN'][0]
    return { blocks: Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'], plan: JSON.stringify(Plan) }
  }

  test('a page reads the page, wherever it is', async () => {
    for (const after of ['', 'f000500', 'f010000', 'f019990', 'g']) {
      const type = after === '' ? '' : 'file'
      const page = await blocks('select * from file_children($1, $2, $3, $4, 31, 0)', [alice.id, big._id, type, after])
      assert.ok(page.blocks < 200, `${page.blocks} blocks after ${after}`)
    }
    const all = await blocks('select * from file_children($1, $2, $3, $4, 100000, 0)', [alice.id, big._id, '', ''])
    assert.ok(all.blocks > 1000, 'the measure tells a page from all')
  })

  test('through the door: the right page, with the count of all', async () => {
    const first = (await ask(`/files/${big._id}`)).json
    assert.equal(first.data.relationships.contents.meta.count, MANY)
    assert.deepEqual([first.included.length, first.included[29].attributes.name], [30, 'f000030'])
    const next = (await ask(first.links.next)).json
    assert.equal(next.included[0].attributes.name, 'f000031')
    const skipped = (await ask(`/files/${big._id}/relationships/contents?page[skip]=19990`)).json
    assert.deepEqual([skipped.data.length, skipped.links], [10, {}])
  })

  test('a page is bounded, whatever is asked for', async () => {
    const { data, links } = (await ask(`/files/${big._id}/relationships/contents?page[limit]=999999`)).json
    assert.equal(data.length, 10_000)
    assert.match(links.next, /page%5Blimit%5D=10000$/)
  })

  test('references and paths go by their indexes', async () => {
    for (const order of ['moment desc, file_id desc', 'moment, file_id', 'file_id', 'file_id desc']) {
      const page = await blocks(
        `select file_id from file_references where instance_id = $1 and relation = 'referenced_by'
          and type = 'io.cozy.bills' and target = 'b' order by ${order} limit 101`,
        [alice.id],
      )
      assert.ok(page.blocks < 200, `${page.blocks} blocks by ${order}`)
    }
    const path = await blocks(
      `select id from docs where instance_id = $1 and doctype = '${FILES}' and not deleted and doc ->> 'name' = 'f010000'
         and doc ->> 'dir_id' = (select id from docs where instance_id = $1 and doctype = '${FILES}' and not deleted
           and doc ->> 'type' = 'directory' and doc ->> 'path' = '/big')`,
      [alice.id],
    )
    assert.ok(path.blocks < 50, path.plan)
  })
})

test('counts follow every change, also several of one document at once, and those undone not', async () => {
  await using own = await openReadingHouse()
  const documents = own.ground.documents
  const store = documents.of(own.alice)
  const [left, right] = [await own.directory(own.root, 'left'), await own.directory(own.root, 'right')]
  const counts = async () =>
    Promise.all(
      [ROOT_ID, left._id, right._id].map(
        async id => (await own.ask(`/files/${id}`)).json.data.relationships.contents.meta.count,
      ),
    )
  assert.deepEqual(await counts(), [2, 0, 0], 'the trash is not counted')
  const made = await Promise.all(Array.from({ length: 10 }, (_, n) => own.file(left, `f${n}`)))
  assert.deepEqual(await counts(), [2, 10, 0])
  const moved = (entry: Entry, to: Entry) => {
    const { _id, _rev, ...body } = entry
    return { id: _id, rev: _rev, body: { ...body, dir_id: to._id } }
  }
  await store.write(
    FILES,
    made.slice(0, 4).map(entry => moved(entry, right)),
  )
  assert.deepEqual(await counts(), [2, 6, 4])
  await store.write(FILES, [
    { id: 'twice', body: { type: 'file', name: 'twice', dir_id: left._id, size: '0' } },
    { id: made[5]?._id, rev: made[5]?._rev, body: {}, deleted: true },
  ])
  assert.deepEqual(await counts(), [2, 6, 4])
  await assert.rejects(
    documents.transaction(own.alice, async writer => {
      await writer.write(FILES, [moved(made[6] as Entry, right)])
      throw new Error('undone')
    }),
    /undone/,
  )
  assert.deepEqual(await counts(), [2, 6, 4])
  await documents.transaction(own.alice, async writer => {
    for (const { _id, _rev } of made.slice(7, 9)) await writer.remove(FILES, _id, _rev)
    await writer.remove(FILES, left._id, left._rev)
  })
  const tooMany = []
  for await (const finding of findings(own.ground, own.reading.reader, own.alice)) {
    if (finding.type === 'count_mismatch') tooMany.push(finding)
  }
  assert.deepEqual(tooMany, [])
  assert.equal((await own.ask(`/files/${ROOT_ID}`)).json.data.relationships.contents.meta.count, 1)
})
