import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Tenant } from '../../src/ground/tenant.ts'
import { splitField } from '../../src/rooms/data/mango/field-path.ts'
import { type FindPlan, findSql } from '../../src/rooms/data/mango/find-sql.ts'
import { keyColumns } from '../../src/rooms/data/mango/key.ts'
import { MOST_PER_DOCTYPE, MOST_SHARED } from '../../src/rooms/data/mango/physical-store.ts'
import { parseSelector } from '../../src/rooms/data/mango/selector.ts'
import { BILLS, startMango, storeMany, type TestMango } from './mango-help.ts'

let m: TestMango
before(async () => {
  m = await startMango()
})
after(() => m[Symbol.asyncDispose]())

const define = (tenant: Tenant, fields: unknown[], doctype = BILLS, more: Record<string, unknown> = {}) =>
  m.mango.designDocuments.define(tenant, doctype, { index: { fields }, ...more })

interface Catalogued {
  name: string
  place: string
  valid: boolean
  definition: string
}

/** Indexes of ours in the database. */
async function catalogue(of = m): Promise<Catalogued[]> {
  const { rows } = await of.database.driver.query<Catalogued>(
    `select c.relname as name, t.relname as place, i.indisvalid as valid, pg_get_indexdef(c.oid) as definition
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
      where c.relname like 'mango\\_%' and t.relname like 'docs%' order by c.relname`,
  )
  return rows
}

async function rows(of = m): Promise<{ name: string; doctype: string; fields: string[]; state: string }[]> {
  return (await of.database.driver.query('select name, doctype, fields, state from mango_indexes order by name')).rows
}

const reset = async () => {
  await m.database.driver.query('delete from mango_design_docs')
  await m.mango.maintain()
  assert.deepEqual(await catalogue(), [])
  assert.deepEqual(await rows(), [])
}

describe('indexes in the database', () => {
  it('are shared by all instances, one per doctype and fields, on the doctype’s own partition', async () => {
    for (const tenant of [m.tenant(), m.tenant(), m.tenant()]) {
      await define(tenant, ['vendor', 'date'])
      await define(tenant, [{ vendor: 'desc' }, { date: 'desc' }], BILLS, { ddoc: 'downwards' })
      await define(tenant, ['vendor', 'date'], BILLS, { ddoc: 'another', name: 'name' })
    }
    const found = await catalogue()
    assert.equal(found.length, 1)
    assert.equal(found[0]?.place, 'docs_bills')
    assert.equal(found[0]?.valid, true)
    assert.match(found[0]!.definition, /\(instance_id, .*vendor.*, .*date.*, id\) WHERE/)
    assert.deepEqual(
      (await rows()).map(({ state, fields }) => [state, fields]),
      [['ready', ['vendor', 'date']]],
    )
    await reset()
  })

  it('are for one doctype only where doctypes share a partition', async () => {
    const tenant = m.tenant()
    await define(tenant, ['a'], 'org.example.one')
    await define(tenant, ['a'], 'org.example.two')
    const found = await catalogue()
    assert.deepEqual(
      found.map(({ place }) => place),
      ['docs_default', 'docs_default'],
    )
    assert.deepEqual(found.map(({ definition }) => /doctype = '([^']+)'/.exec(definition)?.[1]).toSorted(), [
      'org.example.one',
      'org.example.two',
    ])
    await reset()
  })

  it('are not made where the primary key serves, nor beyond what an index can hold', async () => {
    const tenant = m.tenant()
    await m.store(tenant, [{ _id: 'x', ...Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`f${at}`, at])) }])
    await define(tenant, ['_id'])
    await define(tenant, ['_rev'])
    const nine = Array.from({ length: 9 }, (_, at) => `f${at}`)
    await define(tenant, nine)
    assert.deepEqual(await catalogue(), [])
    const selector = Object.fromEntries(nine.map((name, at) => [name, at]))
    assert.deepEqual((await m.find(tenant, { selector })).ids, ['x'])
    assert.deepEqual((await m.find(tenant, { selector: { _rev: { $gt: null } }, sort: ['_rev'] })).ids, ['x'])
    await reset()
  })

  it('may have _id among their fields', async () => {
    const tenant = m.tenant()
    await m.store(tenant, [
      { _id: 'x', a: 2 },
      { _id: 'y', a: 1 },
      { _id: 'z', a: 1 },
    ])
    await define(tenant, ['a', '_id'])
    assert.equal((await catalogue()).length, 1)
    const found = await m.find(tenant, { selector: { a: { $gt: 0 }, _id: { $gt: 'x' } }, sort: ['a', '_id'], limit: 1 })
    assert.deepEqual(found.ids, ['y'])
    await reset()
  })

  it('take values of any size without refusing the document', async () => {
    const tenant = m.tenant()
    const fields = Array.from({ length: 8 }, (_, at) => `f${at}`)
    for (const count of [1, 2, 4, 5, 8]) await define(tenant, fields.slice(0, count))
    // Not compressible, four bytes each.
    const text = Array.from({ length: 3000 }, (_, at) => String.fromCodePoint(0x10000 + ((at * 7919) % 60_000))).join(
      '',
    )
    const values = [
      text,
      [text],
      { k: text },
      Array.from({ length: 12 }, (_, at) => at),
      1e308,
      5e-324,
      -1.2345678901234567e300,
    ]
    for (const value of values) {
      const id = `${text.slice(0, 500)}${values.indexOf(value)}`
      await m.store(tenant, [{ _id: id, ...Object.fromEntries(fields.map(name => [name, value])) }])
      for (const count of [1, 8]) {
        const selector = Object.fromEntries(fields.slice(0, count).map(name => [name, { $eq: value }]))
        const found = await m.find(tenant, {
          selector,
          use_index: (await m.mango.designDocuments.list(tenant, BILLS)).find(
            ({ indexes }) => indexes[0]!.fields.length === count,
          )!.id,
        })
        assert.deepEqual(found.ids, [id])
        assert.equal(found.warning, undefined)
      }
    }
    await reset()
  })

  it('are capped for a doctype; what is beyond works without, until there is room', async () => {
    const tenant = m.tenant()
    await m.store(tenant, [{ _id: 'x', f0: 1, last: 1 }])
    for (let at = 0; at < MOST_PER_DOCTYPE; at++) await define(tenant, [`f${at}`], BILLS, { ddoc: `d${at}` })
    const beyond = await define(tenant, ['last'])
    assert.equal(beyond.result, 'created')
    assert.equal((await catalogue()).length, MOST_PER_DOCTYPE)
    assert.deepEqual((await m.find(tenant, { selector: { last: 1 } })).ids, ['x'])
    const { rev } = await m.mango.designDocuments.get(tenant, BILLS, 'd0')
    await m.mango.designDocuments.remove(tenant, BILLS, 'd0', rev)
    await m.mango.maintain()
    const fields = (await rows()).map(row => row.fields[0])
    assert.ok((await rows()).every(({ state }) => state === 'ready'))
    assert.equal(fields.length, MOST_PER_DOCTYPE)
    assert.ok(fields.includes('last') && !fields.includes('f0'))
    assert.equal((await catalogue()).length, MOST_PER_DOCTYPE)
    await reset()
  })

  it('are capped for all doctypes that share a partition together', async () => {
    const tenant = m.tenant()
    // As if they were there; building them all would only take time.
    await m.database.driver.query(
      `insert into mango_indexes (name, doctype, fields, state)
       select 'x' || n, 'org.example.d' || n / 10, '["a"]', 'ready' from generate_series(1, $1::integer) n`,
      [MOST_SHARED],
    )
    await define(tenant, ['a'], 'org.example.beyond')
    assert.deepEqual(await catalogue(), [])
    await define(tenant, ['a'])
    assert.equal((await catalogue()).length, 1, 'a partition of its own has its own cap')
    await reset()
  })

  it('are dropped when the last definition of them is gone, also with a database', async () => {
    const [one, two] = [m.tenant(), m.tenant()]
    for (const tenant of [one, two]) await define(tenant, ['a'], BILLS, { ddoc: 'a' })
    const { rev } = await m.mango.designDocuments.get(one, BILLS, 'a')
    await m.mango.designDocuments.remove(one, BILLS, 'a', rev)
    await m.mango.maintain()
    assert.equal((await catalogue()).length, 1)
    await m.documents.dropFeed(two, BILLS)
    await m.documents.createFeed(two, BILLS)
    assert.deepEqual(await m.mango.designDocuments.list(two, BILLS), [], 'definitions go with their database')
    await m.mango.maintain()
    assert.deepEqual(await catalogue(), [])
    assert.deepEqual(await rows(), [])
  })

  it('are one when several processes want the same at the same moment', async () => {
    const others = [m.another(), m.another(), m.another()]
    const tenants = [m.tenant(), m.tenant(), m.tenant()]
    await Promise.all(
      others.flatMap((mango, at) =>
        ['a', 'b', 'c'].map(field => mango.designDocuments.define(tenants[at]!, BILLS, { index: { fields: [field] } })),
      ),
    )
    await Promise.all(others.map(mango => mango.maintain()))
    assert.deepEqual(
      (await catalogue()).map(({ valid }) => valid),
      [true, true, true],
    )
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['ready', 'ready', 'ready'],
    )
    await reset()
  })

  it('are built again when a build was left in the middle', async () => {
    const tenant = m.tenant()
    await m.store(tenant, [{ _id: 'x', a: 1 }])
    await define(tenant, ['a'])
    const [made] = await catalogue()
    // What a build leaves when its process dies: an index that is there and serves nobody.
    await m.database.driver.query(`update pg_index set indisvalid = false where indexrelid = $1::regclass`, [
      `konnectory.${made!.name}`,
    ])
    await m.database.driver.query(`update mango_indexes set state = 'wanted'`)
    assert.equal((await catalogue())[0]?.valid, false)
    assert.deepEqual((await m.find(tenant, { selector: { a: 1 } })).ids, ['x'], 'queries are right without it')
    await m.another().maintain()
    assert.equal((await catalogue())[0]?.valid, true)
    assert.equal((await rows())[0]?.state, 'ready')
    // One that broke later is found, too.
    await m.database.driver.query(`update pg_index set indisvalid = false where indexrelid = $1::regclass`, [
      `konnectory.${made!.name}`,
    ])
    await m.mango.maintain()
    assert.equal((await catalogue())[0]?.valid, true)
    await reset()
  })

  it('survive kill -9 of the process that builds them', { timeout: 60_000 }, async () => {
    const tenant = m.tenant()
    await storeMany(m, tenant, 1000, `jsonb_build_object('a', n)`)
    // An open transaction that has seen the table: a concurrent build waits for it, in the middle.
    const blocker = await m.database.driver.connect()
    await blocker.query('begin isolation level repeatable read')
    await blocker.query('select count(*) from docs')
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'mango-build-process.ts'), m.database.url, JSON.stringify(tenant)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    for (let waiting = 0; waiting === 0; ) {
      const { rows: found } = await m.database.driver.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create index%'`,
      )
      waiting = found.length
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['wanted'],
    )
    assert.equal((await m.find(tenant, { selector: { a: 7 } })).ids.length, 1, 'queries are right meanwhile')
    await blocker.query('commit')
    blocker.release()
    await m.mango.maintain()
    assert.deepEqual(
      (await catalogue()).map(({ valid }) => valid),
      [true],
    )
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['ready'],
    )
    await reset()
  })

  it('do not keep the end of a process waiting', { timeout: 30_000 }, async () => {
    const tenant = m.tenant()
    await storeMany(m, tenant, 10, `jsonb_build_object('a', n)`)
    const blocker = await m.database.driver.connect()
    await blocker.query('begin isolation level repeatable read')
    await blocker.query('select count(*) from docs')
    const ending = m.another()
    const answer = await ending.designDocuments.define(tenant, BILLS, { index: { fields: ['a'] } })
    assert.equal(answer.result, 'created', 'answered while it is being built')
    await ending[Symbol.asyncDispose]()
    await blocker.query('commit')
    blocker.release()
    await m.mango.maintain()
    assert.deepEqual(
      (await catalogue()).map(({ valid }) => valid),
      [true],
    )
    await reset()
  })
})

describe('plans', () => {
  const plan = (
    tenantId: string,
    body: { selector: unknown; fields: string[]; descending?: boolean; after?: FindPlan['after'] | undefined },
    doctype = BILLS,
  ) =>
    findSql({
      tenantId,
      doctype,
      selector: parseSelector(body.selector),
      partialFilter: undefined,
      columns: keyColumns(body.fields.map(splitField)),
      descending: body.descending ?? false,
      after: body.after,
      limit: 100,
      skip: 0,
    })

  async function explain(statement: { text: string; values: unknown[] }) {
    const { rows: lines } = await m.database.driver.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, buffers, costs off, timing off, summary off) ${statement.text}`,
      statement.values,
    )
    const text = lines.map(line => line['QUERY PLAN']).join('\n')
    const touched = [...text.matchAll(/shared (?:hit=(\d+))? ?(?:read=(\d+))?/g)][0]
    return { text, buffers: Number(touched?.[1] ?? 0) + Number(touched?.[2] ?? 0) }
  }

  for (const doctype of [BILLS, 'org.example.operations']) {
    it(`two equalities, a sort and a limit cost the same on 1,000 and on 100,000 documents of ${doctype}`, async t => {
      const [small, big] = [m.tenant(), m.tenant()]
      // 250 of each in the small one, 25,000 in the big one.
      const content = `jsonb_build_object('vendor', 'v' || n % 4, 'kind', 'k', 'date', to_char(n, '0000000'), 'amount', n)`
      await storeMany(m, small, 1000, content, doctype)
      await storeMany(m, big, 100_000, content, doctype)
      const fields = ['vendor', 'kind', 'date']
      await define(big, fields, doctype)
      await define(small, fields, doctype)
      await m.mango.maintain()
      const [index] = await rows()
      assert.equal(index?.state, 'ready')
      const selector = { vendor: 'v3', kind: 'k', date: { $gt: null } }
      // In the middle of either.
      const afterIn = (count: number) => {
        const id = String(count / 2 + 3).padStart(7, '0')
        return {
          fields,
          keys: [
            [4, 'v3'],
            [4, 'k'],
            [4, ` ${id}`],
          ],
          id,
        }
      }
      const everyVendor = { ...selector, vendor: { $gt: null } }
      const shapes = [
        { name: 'first page' },
        { name: 'descending', descending: true },
        { name: 'after a bookmark', after: true },
        { name: 'descending after a bookmark', after: true, descending: true },
        { name: 'after a bookmark, all vendors', after: true, selector: everyVendor },
        { name: 'descending after a bookmark, all vendors', after: true, descending: true, selector: everyVendor },
      ]
      for (const { name, after, ...more } of shapes) {
        const costs: number[] = []
        for (const [{ id }, count] of [
          [small, 1000],
          [big, 100_000],
        ] as const) {
          const asked = { selector, fields, ...more, after: after ? afterIn(count) : undefined }
          const { text, buffers } = await explain(plan(id, asked, doctype))
          assert.match(text, new RegExp(`Index Scan (Backward )?using ${index!.name}`), text)
          assert.doesNotMatch(text, /Seq Scan|Sort|Bitmap/, text)
          assert.equal(text.match(/ on docs_/g)?.length, 1, `one partition only\n${text}`)
          assert.match(text, /rows=100/)
          costs.push(buffers)
        }
        t.diagnostic(`${name}: ${costs[0]} pages of 1,000 documents, ${costs[1]} of 100,000`)
        assert.ok(costs[1]! <= costs[0]! * 2 + 10, `${name}: ${costs}`)
      }
      const times: number[] = []
      for (const tenant of [small, big]) {
        const started = performance.now()
        for (let round = 0; round < 100; round++) {
          const found = await m.find(tenant, { selector, sort: fields }, doctype)
          assert.equal(found.ids.length, 100)
        }
        times.push((performance.now() - started) / 100)
      }
      t.diagnostic(`whole find: ${times.map(time => time.toFixed(2)).join(' and ')} ms`)
      await m.database.driver.query('delete from docs')
      await reset()
    })
  }

  it('stay as good when a statement is prepared once for all instances', async () => {
    const tenant = m.tenant()
    await storeMany(m, tenant, 20_000, `jsonb_build_object('vendor', 'v' || n % 100, 'date', n)`)
    await define(tenant, ['vendor', 'date'])
    const { text, values } = plan(tenant.id, {
      selector: { vendor: 'v7', date: { $gte: 500 } },
      fields: ['vendor', 'date'],
    })
    const client = await m.database.driver.connect()
    try {
      await client.query(`set plan_cache_mode = force_generic_plan`)
      await client.query(`prepare generic as ${text}`)
      const literals = values.map(value => client.escapeLiteral(String(value))).join(', ')
      const { rows: lines } = await client.query(
        `explain (analyze, costs off, timing off, summary off) execute generic(${literals})`,
      )
      const shown = lines.map(line => line['QUERY PLAN']).join('\n')
      assert.match(shown, /Index Scan using mango_/)
      assert.doesNotMatch(shown, /Seq Scan|Sort/)
      assert.equal(shown.match(/ on docs_/g)?.length, 1, shown)
    } finally {
      client.release(true)
    }
    await m.database.driver.query('delete from docs')
    await reset()
  })

  it('use the primary key for ids, and the index for ranges, prefixes of lists and nested fields', async () => {
    const tenant = m.tenant()
    await storeMany(
      m,
      tenant,
      20_000,
      `jsonb_build_object('a', jsonb_build_object('b', n), 'c', n % 2 = 0, 'd', n::text)`,
    )
    await define(tenant, ['a.b'])
    await define(tenant, ['c', 'd'])
    const uses = async (selector: unknown, fields: string[], pattern: RegExp) => {
      const { text } = await explain(plan(tenant.id, { selector, fields }))
      assert.match(text, pattern)
      assert.doesNotMatch(text, /Seq Scan/)
      return text
    }
    await uses({ _id: { $in: ['0000001', '0000777'] } }, [], /Index Scan using docs_bills_pkey/)
    await uses({ _id: { $gt: '0019000' } }, [], /Index Scan using docs_bills_pkey/)
    await uses({ a: { b: { $gte: 100, $lt: 110 } } }, ['a.b'], /Index Scan using mango_[\s\S]*rows=10/)
    await uses({ 'a.b': { $in: [1, 2, 3] } }, ['a.b'], /mango_/)
    await uses({ c: true, d: { $gt: '19' } }, ['c', 'd'], /Index Scan using mango_/)
    await uses({ c: { $gt: null }, d: { $regex: '7' } }, ['c', 'd'], /Index Scan using mango_/)
    await m.database.driver.query('delete from docs')
    await reset()
  })
})
