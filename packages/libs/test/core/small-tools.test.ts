import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { getDomain, getInstance } from '../../src/cozy-domain.ts'
import { Document } from '../../src/document.ts'
import { utils } from '../../src/helpers.ts'
import { mkdirp } from '../../src/mkdirp.ts'
import { normalizeFilename } from '../../src/normalize-filename.ts'
import { openHouse } from './house.ts'

describe('Document', () => {
  class Bill extends Document {
    static override version = 3
  }

  it('keeps its attributes, and of metadata the version', () => {
    assert.deepEqual({ ...new Bill({ a: 1, metadata: { version: 2, other: 1 } }) }, { a: 1, metadata: { version: 2 } })
    assert.deepEqual({ ...new Bill({ a: 1 }) }, { a: 1, metadata: { version: 3 } })
    assert.throws(() => new Bill(undefined as never), TypeError)
    const bill = new Bill({ a: 1 })
    assert.equal(bill.toJSON(), bill)
  })

  it('is validated first', () => {
    class Strict extends Document {
      validate(attributes: { ok?: boolean }) {
        if (!attributes.ok) throw new Error('not ok')
      }
    }
    assert.throws(() => new Strict({}), /not ok/)
    assert.equal(new Strict({ ok: true }).ok, true)
  })

  it('compares: ids aside, a date equals its text unless strict', () => {
    const date = new Date('2024-01-02T03:04:05.678Z')
    const bill = new Bill({ _id: '1', _rev: '1', date, lines: [{ date }] })
    const stored = {
      _id: '2',
      date: date.toISOString(),
      lines: [{ date: date.toISOString() }],
      metadata: { version: 3 },
    }
    assert.equal(bill.isEqual(stored), true)
    assert.equal(bill.isEqual(stored, ['_id', '_rev'], true), false)
    assert.equal(bill.isEqual({ ...stored, date: '2024-01-03' }), false)
    assert.equal(bill.isEqual(stored, ['_rev']), false)
    assert.equal(bill.isEqual(new Bill({ date, lines: [{ date }] }), undefined, true), true)
  })
})

describe('mkdirp', () => {
  it('makes what is missing, and gives what is there', async () => {
    await using house = await openHouse()
    const made = await mkdirp('/a/', 'b', 'c/')
    assert.equal(made?.attributes.path, '/a/b/c')
    const again = await mkdirp('a', 'b/c')
    assert.equal(again?._id, made?._id)
    assert.equal((await mkdirp())?._id, 'io.cozy.files.root-dir')
    assert.equal(house.requests.filter(({ method }) => method === 'POST').length, 3)
  })

  const client = (onStat: () => never, onCreate: () => never | object) => ({
    files: {
      statByPath: mock.fn(async (path: string) => (path === '/' ? { _id: 'root' } : onStat())),
      createDirectory: mock.fn(async () => onCreate()),
    },
  })
  const fail = (status?: number) => () => {
    throw Object.assign(new Error(`status ${status}`), { status })
  }

  it('of another client makes the directory under its parent', async () => {
    const fake = client(fail(404), () => ({ _id: 'new' }))
    assert.deepEqual(await mkdirp.fromCozy(fake as never)('x'), { _id: 'new' })
    assert.deepEqual(fake.files.createDirectory.mock.calls[0]?.arguments as unknown[], [{ name: 'x', dirID: 'root' }])
  })

  it('gives null when another was faster, and lets other errors through', async () => {
    for (const status of [404, 409])
      assert.equal(await mkdirp.fromCozy(client(fail(404), fail(status)) as never)('x'), null)
    await assert.rejects(mkdirp.fromCozy(client(fail(404), fail(413)) as never)('x'), /413/)
    await assert.rejects(mkdirp.fromCozy(client(fail(500), fail(500)) as never)('x'), /500/)
    await assert.rejects(mkdirp.fromCozy(client(fail(), fail()) as never)('x'), /undefined/)
  })
})

describe('normalizeFilename', () => {
  it('replaces what file systems refuse', () => {
    assert.equal(normalizeFilename('  a<b>:c"/d\\|?*e\0f \t\n g '), 'a b c d e f g')
    assert.equal(normalizeFilename('bill', 'pdf'), 'bill.pdf')
    assert.equal(normalizeFilename('bill', '.pdf'), 'bill.pdf')
    assert.equal(normalizeFilename('bill', ' ?'), 'bill. ?')
    assert.equal(normalizeFilename('foo', ''), 'foo.')
    assert.equal(normalizeFilename('foo'), 'foo')
    for (const empty of ['', ' ', '/:*'])
      assert.throws(() => normalizeFilename(empty), /Cannot find any filename-compatible character/)
  })
})

describe('utils', () => {
  const BILLS = 'io.cozy.bills'

  it('formatDate is local', () => {
    assert.equal(utils.formatDate(new Date(2024, 0, 5, 0, 30)), '2024-01-05')
    assert.equal(utils.formatDate(new Date(2024, 11, 31, 23, 30)), '2024-12-31')
    assert.equal(utils.formatDate(new Date(2024, 2, 9).getTime()), '2024-03-09')
    assert.throws(() => utils.formatDate('nonsense'), /Invalid time value/)
  })

  it('queryAll gives all pages, making the index when there is none', async () => {
    const documents = Array.from({ length: 250 }, (_, n) => ({ n, vendor: n < 240 ? 'acme' : 'other' }))
    await using house = await openHouse({ fixture: { [BILLS]: documents } })
    assert.equal((await utils.queryAll(BILLS)).length, 250)
    assert.equal((await utils.queryAll(BILLS, { vendor: 'acme' })).length, 240)
    assert.equal(house.requests.filter(({ path }) => path.endsWith('_find')).length, 3)
    const index = await cozyClient.data.defineIndex(BILLS, ['vendor'])
    house.requests.length = 0
    assert.equal((await utils.queryAll(BILLS, { vendor: 'other' }, index)).length, 10)
    assert.ok(house.requests.every(({ path }) => !path.endsWith('_index')))
    assert.equal((await utils.fetchAll(BILLS)).length, 250)
  })

  it('FIX-20: sortBillsByLinkedOperationNumber counts links as they are stored', () => {
    const bills = [{ _id: 'b1' }, { _id: 'b2' }, { _id: 'b3' }, { _id: 'b4' }]
    const operations = [{ bills: ['io.cozy.bills:b2', 'b3'] }, { bills: ['io.cozy.bills:b2', 'io.cozy.bills:zz'] }, {}]
    const sorted = utils.sortBillsByLinkedOperationNumber(bills, operations)
    assert.deepEqual(
      sorted.map(({ _id, opNb }) => [_id, opNb]),
      [
        ['b2', 2],
        ['b3', 1],
        ['b4', 0],
        ['b1', 0],
      ],
    )
    assert.deepEqual(
      utils.sortBillsByLinkedOperationNumber([{ _id: 'x' }], undefined).map(({ opNb }) => opNb),
      [0],
    )
  })

  it('FIX-20: findDuplicates keeps the most linked bill of each group', async () => {
    const fixture = {
      [BILLS]: [
        { _id: 'b1', amount: 1, date: '2024-01-01T00:00:00.000Z' },
        { _id: 'b2', amount: 1, date: '2024-01-01T00:00:00Z' },
        { _id: 'b3', amount: 2, date: '2024-01-01T00:00:00.000Z' },
      ],
      'io.cozy.bank.operations': [{ _id: 'o1', bills: ['io.cozy.bills:b1'] }],
    }
    await using _house = await openHouse({ fixture })
    const { toKeep, toRemove } = await utils.findDuplicates(BILLS, { keys: ['amount', 'date'] })
    assert.deepEqual(toKeep.map(({ _id }) => _id).sort(), ['b1', 'b3'])
    assert.deepEqual(
      toRemove.map(({ _id, original }) => [_id, original]),
      [['b2', 'b1']],
    )
    const hashed = await utils.findDuplicates(BILLS, { hash: () => 'same' })
    assert.equal(hashed.toRemove.length, 2)
    await assert.rejects(utils.findDuplicates(BILLS, {}), /keys or hash/)
  })

  it('batchUpdateAttributes and batchDelete work one after the other', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: [{ _id: 'b1' }, { _id: 'b2' }] } })
    const updated = await utils.batchUpdateAttributes(BILLS, ['b1', 'b2'], { paid: true })
    assert.deepEqual(
      updated.map(({ _id, paid }) => [_id, paid]),
      [
        ['b1', true],
        ['b2', true],
      ],
    )
    const deleted = await utils.batchDelete(BILLS, updated)
    assert.deepEqual(
      deleted.map(({ id, deleted: gone }) => [id, gone]),
      [
        ['b1', true],
        ['b2', true],
      ],
    )
    assert.deepEqual(await utils.fetchAll(BILLS), [])
  })

  it('getPdfText says that pdfjs-dist is missing', async () => {
    await using _house = await openHouse()
    await assert.rejects(utils.getPdfText('x'), /pdfjs-dist dependency is missing/)
  })
})

describe('domain helpers', () => {
  it('cut the host', () => {
    assert.equal(getDomain('https://claude.mycozy.cloud'), 'mycozy.cloud')
    assert.equal(getInstance('http://claude.mycozy.cloud:8080/'), 'claude.mycozy.cloud')
    assert.equal(getDomain('http://cozy.localhost:8080/'), 'cozy.localhost')
    assert.throws(() => getDomain('nonsense'), /not the address of a stack/)
  })
})
